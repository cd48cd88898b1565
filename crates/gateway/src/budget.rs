//! The times that one delivery has.

use core::time::Duration;

use cronozen_webhook::time::Timestamp;

/// How long an answer waits for the marker once the event is in the queue.
pub const MARK_WAIT: Duration = Duration::from_millis(250);

/// The longest that a delivery's work lasts from its arrival on. Workers end what goes on after the answer without
/// notice, 30 s after it or after the sender has hung up, and the work has to release its lease and write to the log
/// before that.
pub const LATE_LIMIT: Duration = Duration::from_secs(28);

/// The times by which the steps of one delivery must be done.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    arrived: Timestamp,
    deadline: Duration,
}

impl Budget {
    /// The budget of a delivery that arrived at `arrived` and must be answered within `deadline`.
    #[must_use]
    pub fn new(arrived: Timestamp, deadline: Duration) -> Self {
        Self { arrived, deadline }
    }

    /// When the delivery arrived.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        self.arrived
    }

    /// Work that goes on after the answer ends itself by then.
    #[must_use]
    pub fn late_until(self) -> Timestamp {
        self.arrived.plus(LATE_LIMIT)
    }

    /// The longest that the body may take: 3/8 of the deadline.
    #[must_use]
    pub fn body_limit(self) -> Duration {
        self.deadline * 3 / 8
    }

    /// The longest that a look-up may take: 1/8 of the deadline.
    #[must_use]
    pub fn lookup_limit(self) -> Duration {
        self.deadline / 8
    }

    /// Returns how long a delivery at `now` waits for the lease of its event: until half of its deadline has passed,
    /// so that the other half is left for the send. The body leaves at least an eighth.
    #[must_use]
    pub fn lease_time_left(self, now: Timestamp) -> Duration {
        self.arrived.plus(self.deadline / 2).since(now)
    }

    /// Returns how long a body may still take to be stored at `now`. The send has an eighth of the deadline after it.
    #[must_use]
    pub fn store_time_left(self, now: Timestamp) -> Duration {
        self.send_until().minus(self.deadline / 8).since(now)
    }

    /// Returns how long the send may still take at `now`.
    #[must_use]
    pub fn send_time_left(self, now: Timestamp) -> Duration {
        self.send_until().since(now)
    }

    /// The delivery waits for the queue until then, so that the marker still has its time.
    fn send_until(self) -> Timestamp {
        self.arrived.plus(self.deadline.saturating_sub(MARK_WAIT))
    }
}
