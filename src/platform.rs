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
    /// All of it.
    fn whole(self) -> impl Future<Output = Result<Vec<u8>, PlatformError>>;

    /// The next part of it; `None` at its end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, PlatformError>>;
}
