//! What is remembered of an event.

use core::time::Duration;

use cronozen_webhook::time::Timestamp;

/// What is remembered of an event that is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// How long it is remembered.
    pub ttl: Duration,
    /// When the event was received.
    pub received_at: Timestamp,
}

impl Marker {
    /// How long it is remembered, in whole seconds, rounded up.
    #[must_use]
    pub fn ttl_seconds(self) -> u64 {
        self.ttl.as_secs() + u64::from(self.ttl.subsec_nanos() > 0)
    }

    /// Until when it is remembered.
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        self.received_at.plus(self.ttl)
    }
}
