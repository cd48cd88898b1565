//! Where events are remembered: one interface over two stores.
//!
//! [`kv`] remembers events in an eventually consistent store, and lets two deliveries of one event through if
//! they come at once. [`shard`] has one owner for each event, which lets one delivery at a time through.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};

use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::message::{Dedupe, Marker};
use crate::platform::Clock;
use crate::settings::Budget;

pub mod kv;
pub mod lease;
pub mod purge;
pub mod shard;

/// Remembers which events are in the queue, and says who may send one that is not.
pub trait DedupeStore {
    /// The right to send an event.
    type Lease: Lease + 'static;

    /// Asks for the right to send an event, whose marker will be `marker`. One that it has already is ignored if
    /// `ignores_marker` says so.
    ///
    /// # Errors
    /// [`Unavailable`] if the store cannot give that right in time.
    fn acquire(
        &self,
        event_id: &EventId,
        marker: Marker,
        ignores_marker: bool,
        budget: Budget,
    ) -> impl Future<Output = Result<Acquired<Self::Lease>, Unavailable>>;
}

/// The right to send an event. A lease that is dropped is released: another delivery may send the event.
pub trait Lease {
    /// Marks the event as seen, and ends the lease.
    fn commit(self, marker: Marker) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}

/// The answer to a request for a lease.
#[derive(Debug)]
pub enum Acquired<L> {
    /// The event is in the queue already.
    Duplicate,
    /// The event may be sent.
    Lease(L, Lookup),
}

impl<L> Acquired<L> {
    fn map<M>(self, map: impl FnOnce(L) -> M) -> Acquired<M> {
        match self {
            Self::Duplicate => Acquired::Duplicate,
            Self::Lease(lease, lookup) => Acquired::Lease(map(lease), lookup),
        }
    }
}

/// Settings choose between two stores.
impl<A: DedupeStore, B: DedupeStore> DedupeStore for Either<A, B> {
    type Lease = Either<A::Lease, B::Lease>;

    async fn acquire(
        &self,
        event_id: &EventId,
        marker: Marker,
        ignores_marker: bool,
        budget: Budget,
    ) -> Result<Acquired<Self::Lease>, Unavailable> {
        Ok(match self {
            Self::Left(store) => {
                store.acquire(event_id, marker, ignores_marker, budget).await?.map(Either::Left)
            }
            Self::Right(store) => {
                store.acquire(event_id, marker, ignores_marker, budget).await?.map(Either::Right)
            }
        })
    }
}

impl<A: Lease, B: Lease> Lease for Either<A, B> {
    fn commit(self, marker: Marker) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        match self {
            Self::Left(lease) => Either::Left(lease.commit(marker)),
            Self::Right(lease) => Either::Right(lease.commit(marker)),
        }
    }
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
    /// The word for it in the message and in the log.
    #[must_use]
    pub fn dedupe(&self) -> Dedupe {
        match self {
            Self::Missed => Dedupe::New,
            Self::Doubtful(_) => Dedupe::Unknown,
        }
    }
}

/// A look-up without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The store failed.
    #[error("look-up failed: {0}")]
    Failed(PlatformError),
    /// The store took too long.
    #[error("look-up timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// Keeps a marker for each event that has been seen. Clones share one store.
pub trait SeenStore {
    /// Returns whether the event has a marker.
    fn seen(&self, event_id: &EventId) -> impl Future<Output = Result<bool, PlatformError>>;

    /// Gives the event a marker.
    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>>;
}

/// Looks for an event's marker, for an eighth of the deadline at most. Returns nothing if there is one.
async fn look(
    store: &impl SeenStore,
    event_id: &EventId,
    budget: Budget,
    clock: &impl Clock,
) -> Option<Lookup> {
    let limit = budget.lookup_limit();
    let look = pin!(store.seen(event_id));
    match select(look, pin!(clock.sleep(limit))).await {
        Either::Left((Ok(true), _)) => None,
        Either::Left((Ok(false), _)) => Some(Lookup::Missed),
        Either::Left((Err(error), _)) => Some(Lookup::Doubtful(LookupError::Failed(error))),
        Either::Right(((), _)) => Some(Lookup::Doubtful(LookupError::TimedOut(limit))),
    }
}
