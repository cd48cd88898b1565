//! The times that one delivery has.

use core::time::Duration;

use crate::time::Timestamp;

/// How long an answer waits for the marker once the event is in the queue.
pub const MARK_WAIT: Duration = Duration::from_millis(250);

/// The times by which the steps of one delivery must be done.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    arrived: Timestamp,
    deadline: Duration,
    limits_send: bool,
}

impl Budget {
    /// The budget of a delivery that arrived at `arrived` and must be answered within `deadline`.
    #[must_use]
    pub fn new(arrived: Timestamp, deadline: Duration) -> Self {
        Self { arrived, deadline, limits_send: true }
    }

    /// The same, but the send may take as long as it will: it belongs to more than one delivery.
    #[must_use]
    pub fn without_send_limit(self) -> Self {
        Self { limits_send: false, ..self }
    }

    /// How long after its arrival the delivery must be answered.
    #[must_use]
    pub fn deadline(self) -> Duration {
        self.deadline
    }

    /// The delivery must be answered by then.
    #[must_use]
    pub fn answer_by(self) -> Timestamp {
        self.arrived.plus(self.deadline)
    }

    /// When the delivery arrived.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        self.arrived
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

    /// How long a body may still take to be stored at `now`: as long as a look-up that takes all of its time
    /// afterwards still ends with the time of the send.
    #[must_use]
    pub fn store_time_left(self, now: Timestamp) -> Duration {
        self.send_until().minus(self.lookup_limit()).since(now)
    }

    /// The delivery waits for the queue until then, so that the marker still has its time.
    #[must_use]
    pub fn send_until(self) -> Timestamp {
        self.arrived.plus(self.deadline.saturating_sub(MARK_WAIT))
    }

    /// How long the send may still take at `now`; `None` for as long as it will.
    #[must_use]
    pub fn send_time_left(self, now: Timestamp) -> Option<Duration> {
        self.limits_send.then(|| self.send_until().since(now))
    }
}
