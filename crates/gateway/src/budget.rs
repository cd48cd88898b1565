//! The time limits of one delivery.

use core::time::Duration;

use cronozen_webhook::time::Timestamp;

/// The longest that an answer waits for its event to be marked as seen. The event is already in the queue.
pub const MARK_WAIT: Duration = Duration::from_millis(250);

/// The longest that a delivery's work lasts, from its arrival. Workers end work after the answer without notice, 30 s after the
/// answer or after the sender has hung up. Before that, the work must release its lease and write to the log.
pub const LATE_WORK_LIMIT: Duration = Duration::from_secs(28);

/// The times by which the steps of one delivery must be done.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    arrived: Timestamp,
    deadline: Duration,
}

impl Budget {
    /// Creates the budget of a delivery that arrived at `arrived` and must be answered within `deadline`.
    #[must_use]
    pub fn new(arrived: Timestamp, deadline: Duration) -> Self {
        Self { arrived, deadline }
    }

    /// Returns the time at which the delivery arrived.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        self.arrived
    }

    /// Returns the time at which the gateway gives up its work after the answer: [`LATE_WORK_LIMIT`] after the arrival.
    #[must_use]
    pub fn late_work_ends_at(self) -> Timestamp {
        self.arrived.plus(LATE_WORK_LIMIT)
    }

    /// Returns the longest that reading the body may take: 3/8 of the deadline.
    #[must_use]
    pub fn body_read_limit(self) -> Duration {
        self.deadline * 3 / 8
    }

    /// Returns the longest that looking up a marker may take: 1/8 of the deadline.
    #[must_use]
    pub fn lookup_limit(self) -> Duration {
        self.deadline / 8
    }

    /// Returns the longest that a delivery waits for its event's lease from `now`. The wait ends at half of the
    /// deadline, so that the send has the other half. The body is read by 3/8 of it, so the wait has at least an eighth.
    #[must_use]
    pub fn lease_time_left(self, now: Timestamp) -> Duration {
        self.arrived.plus(self.deadline / 2).since(now)
    }

    /// Returns the longest that storing a body may take from `now`. The send has an eighth of the deadline after it.
    #[must_use]
    pub fn store_time_left(self, now: Timestamp) -> Duration {
        self.send_until().minus(self.deadline / 8).since(now)
    }

    /// Returns the longest that the send may take from `now`.
    #[must_use]
    pub fn send_time_left(self, now: Timestamp) -> Duration {
        self.send_until().since(now)
    }

    /// Returns the time at which the wait for the queue ends. It leaves [`MARK_WAIT`] for the marker.
    fn send_until(self) -> Timestamp {
        self.arrived.plus(self.deadline.saturating_sub(MARK_WAIT))
    }
}
