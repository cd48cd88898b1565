//! The runtime that every step uses: the clock, work after the answer, and the error of a failed call.

use core::time::Duration;

use thiserror::Error;

use cronozen_webhook::time::Timestamp;

/// The maximum length of a platform's error, in characters.
const MAX_PLATFORM_ERROR_CHARACTERS: usize = 200;

/// The clock. On Workers, its time advances only with I/O.
pub trait Clock {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// A runner of work that continues after the answer.
pub trait Background {
    /// Runs `future` to its end, up to the platform's limit (30 s on Workers).
    fn keep(&self, future: impl Future<Output = ()> + 'static);
}

/// The platform's message about a failed binding or body: its first line, cut to 200 characters, because the later
/// lines may be a stack trace.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PlatformError(String);

impl PlatformError {
    /// Keeps the part of `message` that may be logged.
    #[must_use]
    pub fn new(message: &str) -> Self {
        let line = message.lines().next().unwrap_or_default();
        Self(line.chars().take(MAX_PLATFORM_ERROR_CHARACTERS).collect())
    }
}
