//! Markers of seen events in an eventually consistent store, such as Workers KV.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::budget::Budget;
use crate::runtime::{Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::Dedupe;
use cronozen_webhook::time::Timestamp;

/// The record that an event is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The marker's lifetime.
    pub ttl: Duration,
    /// The time at which the event was received.
    pub received_at: Timestamp,
}

impl Marker {
    /// Returns the marker's lifetime in whole seconds, rounded up.
    #[must_use]
    pub fn ttl_seconds(self) -> u64 {
        self.ttl.as_secs() + u64::from(self.ttl.subsec_nanos() > 0)
    }

    /// Returns the time at which the marker ends.
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        self.received_at.plus(self.ttl)
    }
}

/// A store with a marker for each event that has been seen. Clones share it.
pub trait MarkerStore {
    /// Returns true if the event has a marker.
    fn has_marker(&self, event_id: &EventId) -> impl Future<Output = Result<bool, PlatformError>>;

    /// Gives the event a marker.
    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>>;
}

/// The result of a look-up that found no marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The event has not been seen.
    Missed,
    /// The store did not answer, so the event may have been seen.
    Doubtful(LookupError),
}

impl Lookup {
    /// Returns the result as the message and the log report it.
    #[must_use]
    pub fn dedupe(&self) -> Dedupe {
        match self {
            Self::Missed => Dedupe::New,
            Self::Doubtful(_) => Dedupe::Unknown,
        }
    }
}

/// A look-up without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookupError {
    /// The store failed.
    #[error("look-up failed: {0}")]
    Failed(PlatformError),
    /// The store did not answer in time.
    #[error("look-up timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// Looks up an event's marker, for at most an eighth of the deadline. Returns `None` if the event has a marker. Without
/// a store, it has none.
pub(super) async fn look_up(
    store: Option<&impl MarkerStore>,
    event_id: &EventId,
    budget: Budget,
    clock: &impl Clock,
) -> Option<Lookup> {
    let Some(store) = store else { return Some(Lookup::Missed) };
    let limit = budget.lookup_limit();
    let seen = pin!(store.has_marker(event_id));
    match select(seen, pin!(clock.sleep(limit))).await {
        Either::Left((Ok(true), _)) => None,
        Either::Left((Ok(false), _)) => Some(Lookup::Missed),
        Either::Left((Err(error), _)) => Some(Lookup::Doubtful(LookupError::Failed(error))),
        Either::Right(((), _)) => Some(Lookup::Doubtful(LookupError::TimedOut(limit))),
    }
}
