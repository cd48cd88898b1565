//! The body of a request: read within its limits, and held outside WebAssembly's memory.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::allowance::{AllowanceExceeded, Holding, MAX_EXEMPT_BYTES};
use crate::runtime::{Clock, PlatformError};

/// The unread body of a request.
pub trait Body {
    /// Bytes that have been read.
    type Bytes: BodyBytes;

    /// Reads the whole body.
    fn read_all(self) -> impl Future<Output = Result<Self::Bytes, PlatformError>>;

    /// Reads the next part of the body. Returns `None` at the end.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Self::Bytes>, PlatformError>>;
}

/// Bytes of a body, held by the platform.
///
/// WebAssembly's memory never shrinks, so its size is the most that it has ever held. Bodies that stay there during an
/// await add up: twenty deliveries hold twenty bodies at once. Therefore a Worker holds bodies in JavaScript's memory,
/// and the code that sees the bytes awaits nothing, so that only one body at a time is in WebAssembly's memory.
pub trait BodyBytes: Default {
    /// Returns the number of bytes.
    fn length(&self) -> usize;

    /// Adds the next part.
    fn append(&mut self, chunk: Self);

    /// Calls `read` with the bytes. Bytes in other memory are copied for the call.
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// The bytes outside WebAssembly, where there is only one memory.
impl BodyBytes for Vec<u8> {
    fn length(&self) -> usize {
        self.len()
    }

    fn append(&mut self, chunk: Self) {
        self.extend(chunk);
    }

    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self)
    }
}

/// A body that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    /// The body is larger than the cap.
    #[error("body too large: more than {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// The body did not arrive in time.
    #[error("body timed out: only a part of it arrived")]
    TimedOut,
    /// The body ended before it was complete.
    #[error("body broke off: {0}")]
    Broken(PlatformError),
}

/// A failure to read a body: the sender's fault or ours.
pub(crate) enum ReadError {
    Body(BodyError),
    AllowanceExceeded(AllowanceExceeded),
}

impl From<BodyError> for ReadError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// Limits on reading one body.
pub(crate) struct Limits {
    /// The largest body, in bytes.
    pub bytes: usize,
    pub time: Duration,
}

/// Reads a body within `limits`, and counts it in `holding`. `declared` is the length that the sender declares.
pub(crate) async fn read<B: Body>(
    body: B,
    declared: Option<usize>,
    limits: Limits,
    holding: Holding,
    clock: &impl Clock,
) -> Result<(B::Bytes, Holding), ReadError> {
    let read = pin!(read_bytes(body, declared, limits.bytes, holding));
    match select(read, pin!(clock.sleep(limits.time))).await {
        Either::Left((read, _)) => read,
        Either::Right(_) => Err(BodyError::TimedOut.into()),
    }
}

/// Reads a body. A body that declares a small length is read whole, which is cheaper. Others are read as streams, so
/// that no more than the cap is ever held, and counted as they arrive. The declared length is not counted, because a
/// sender could declare much and send little.
async fn read_bytes<B: Body>(
    mut body: B,
    declared: Option<usize>,
    limit: usize,
    mut holding: Holding,
) -> Result<(B::Bytes, Holding), ReadError> {
    let too_large = BodyError::TooLarge { limit };
    if declared.is_some_and(|declared| declared > limit) {
        return Err(too_large.into());
    }
    if declared.is_some_and(|declared| declared <= MAX_EXEMPT_BYTES) {
        let bytes = body.read_all().await.map_err(BodyError::Broken)?;
        return if bytes.length() > limit { Err(too_large.into()) } else { Ok((bytes, holding)) };
    }
    let mut bytes = B::Bytes::default();
    while let Some(chunk) = body.next_chunk().await.map_err(BodyError::Broken)? {
        if bytes.length() + chunk.length() > limit {
            return Err(too_large.into());
        }
        holding.add(chunk.length()).map_err(ReadError::AllowanceExceeded)?;
        bytes.append(chunk);
    }
    Ok((bytes, holding))
}
