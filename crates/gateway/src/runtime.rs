//! The runtime below every step: the clock, work after the answer, and the error of a failed call.

use core::time::Duration;

use thiserror::Error;

use cronozen_webhook::time::Timestamp;

/// The longest text of a platform's error that is kept, in characters.
const MAX_PLATFORM_ERROR_CHARACTERS: usize = 200;

/// The clock. On Workers it stands still between I/O.
pub trait Clock {
    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// Runs work that must be finished after the answer.
pub trait Background {
    /// Keeps `future` running, up to the platform's limit (30 s on Workers).
    fn keep(&self, future: impl Future<Output = ()> + 'static);
}

/// The platform's message when a binding or a body failed: its first line, cut to 200 characters, because the rest may
/// be a stack.
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
