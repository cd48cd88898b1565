//! When a store that keeps its markers itself throws away those that have ended.

use core::time::Duration;

/// How many markers one batch goes through: some ten milliseconds, for which deliveries wait.
pub const BATCH: u32 = 10_000;

/// Markers live for days, so an ended one costs little until the next day.
pub const INTERVAL: Duration = Duration::from_hours(24);

/// Lets deliveries in between two batches.
const PAUSE: Duration = Duration::from_secs(1);

/// How a batch has left the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeProgress {
    /// There are markers that no batch has gone through yet.
    More,
    /// All have been gone through, and some live.
    Done,
    /// There are none left.
    Empty,
}

impl PurgeProgress {
    /// When the next batch comes; none before the next marker is written if there is nothing to purge.
    #[must_use]
    pub fn next(self) -> Option<Duration> {
        match self {
            Self::More => Some(PAUSE),
            Self::Done => Some(INTERVAL),
            Self::Empty => None,
        }
    }
}
