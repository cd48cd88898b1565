//! What the flow needs of the platform that it runs on.

use core::time::Duration;

use crate::error::PlatformError;
use crate::time::Timestamp;

/// The clock. On Workers it stands still between I/O.
pub trait Clock {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// Runs what must be finished after the answer.
pub trait Background {
    /// Keeps `future` running, up to the platform's limit (30 s on Workers).
    fn keep(&self, future: impl Future<Output = ()> + 'static);
}

/// The body of a request, not read yet.
pub trait Body {
    /// What has been read of it.
    type Held: HeldBody;

    /// All of it.
    fn whole(self) -> impl Future<Output = Result<Self::Held, PlatformError>>;

    /// The next part of it; `None` at its end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Self::Held>, PlatformError>>;
}

/// What has been read of a body, held by the platform.
///
/// WebAssembly's memory never shrinks, so what lies in it while something is awaited decides how large it
/// gets: one body after the other has passed through by the time that twenty would have lain there at once.
/// Therefore a Worker holds bodies in JavaScript's memory, and nothing is awaited where the bytes are seen.
pub trait HeldBody: Default {
    /// How many bytes it has.
    fn length(&self) -> usize;

    /// Adds the next part.
    fn append(&mut self, chunk: Self);

    /// Lets `read` see the bytes, copied if they are held elsewhere, for as long as it runs.
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// On a host there is no other memory.
impl HeldBody for Vec<u8> {
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
