//! The schedule of a store that deletes its ended markers itself.

use core::time::Duration;

/// The number of markers that one batch checks. A batch takes about ten milliseconds, for which deliveries wait.
pub const BATCH: u32 = 10_000;

/// The time between two purges. Markers live for days, so an ended one costs little until the next day.
pub const INTERVAL: Duration = Duration::from_hours(24);

/// The time between two batches, in which the store serves deliveries.
const PAUSE: Duration = Duration::from_secs(1);

/// The state of a purge after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeProgress {
    /// Some markers have not been checked yet.
    More,
    /// All markers have been checked, and some have not ended.
    Done,
    /// No markers are left.
    Empty,
}

impl PurgeProgress {
    /// Returns the time until the next batch. Returns `None` if there is nothing to purge until a marker is written.
    #[must_use]
    pub fn next(self) -> Option<Duration> {
        match self {
            Self::More => Some(PAUSE),
            Self::Done => Some(INTERVAL),
            Self::Empty => None,
        }
    }
}
