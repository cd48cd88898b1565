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

/// Keeps a marker for each event that has been seen. Clones share one store.
pub trait MarkerStore {
    /// Returns whether the event has a marker.
    fn seen(&self, event_id: &EventId) -> impl Future<Output = Result<bool, PlatformError>>;

    /// Gives the event a marker.
    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>>;
}

/// The result of looking for an event's marker, if there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The event has not been seen.
    Missed,
    /// The store gave no answer, so the event may have been seen.
    Doubtful(LookupError),
}

impl Lookup {
    /// Returns the word for it in the message and in the log.
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
    /// The store took too long.
    #[error("look-up timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// Looks for an event's marker, for an eighth of the deadline at most. Returns `None` if there is one. Without a store
/// there is none.
pub(super) async fn look(
    store: Option<&impl MarkerStore>,
    event_id: &EventId,
    budget: Budget,
    clock: &impl Clock,
) -> Option<Lookup> {
    let Some(store) = store else { return Some(Lookup::Missed) };
    let limit = budget.lookup_limit();
    let look = pin!(store.seen(event_id));
    match select(look, pin!(clock.sleep(limit))).await {
        Either::Left((Ok(true), _)) => None,
        Either::Left((Ok(false), _)) => Some(Lookup::Missed),
        Either::Left((Err(error), _)) => Some(Lookup::Doubtful(LookupError::Failed(error))),
        Either::Right(((), _)) => Some(Lookup::Doubtful(LookupError::TimedOut(limit))),
    }
}
