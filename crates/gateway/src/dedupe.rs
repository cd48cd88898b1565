//! Deduplication of events: one protocol over two stores.
//!
//! [Workers KV](marker) is eventually consistent, and lets two deliveries of one event through if they arrive at the
//! same time. In strict mode each event has one owner, its [shard], which lets one delivery at a time through.

use core::pin::pin;

use futures_util::future::select;

use crate::budget::{Budget, MARK_WAIT};
use crate::runtime::{Clock, PlatformError};
use cronozen_webhook::event::EventId;
use marker::look_up;
use shard::OwnedLease;

pub use marker::{Lookup, LookupError, Marker, MarkerStore};
pub use shard::{AcquireError, ShardLease, Shards};

pub mod lease;
pub mod marker;
pub mod purge;
pub mod shard;

/// The store of events that the settings chose. `M` is the store of markers, `S` are the shards.
#[derive(Debug, Clone)]
pub enum DedupeStore<M, S> {
    /// Only markers.
    Markers(M),
    /// The shards of strict mode.
    Shards {
        /// All shards.
        shards: S,
        /// The markers of the earlier store, if they are still read.
        previous: Option<M>,
    },
}

/// The right to send an event. A lease that is dropped is released: another delivery may send the event.
pub(crate) enum Lease<M, S: Shards> {
    /// Other deliveries may have the right at the same time: markers cannot keep them apart.
    Markers(M),
    /// No other delivery has the right.
    Shard(OwnedLease<S>),
}

/// The result of a request for the right to send an event.
pub(crate) enum Acquisition<M, S: Shards> {
    /// The event is in the queue already.
    Duplicate,
    /// The event may be sent.
    Lease(Lease<M, S>, Lookup),
}

impl<M: MarkerStore, S: Shards> DedupeStore<M, S> {
    /// Requests the right to send an event, which will get `marker`. If `ignores_marker` is true, a marker that the
    /// event already has is ignored.
    ///
    /// # Errors
    /// [`AcquireError`] if the event's shard does not grant that right in time.
    pub(crate) async fn acquire(
        self,
        event_id: &EventId,
        marker: Marker,
        ignores_marker: bool,
        budget: Budget,
        clock: &impl Clock,
    ) -> Result<Acquisition<M, S>, AcquireError> {
        match self {
            Self::Markers(markers) => {
                let store = (!ignores_marker).then_some(&markers);
                Ok(match look_up(store, event_id, budget, clock).await {
                    Some(lookup) => Acquisition::Lease(Lease::Markers(markers), lookup),
                    None => Acquisition::Duplicate,
                })
            }
            Self::Shards { shards, previous } => {
                let acquired = OwnedLease::acquire(shards, event_id, ignores_marker, budget, clock);
                let Some(lease) = acquired.await? else { return Ok(Acquisition::Duplicate) };
                let store = previous.as_ref().filter(|_| !ignores_marker);
                if let Some(lookup) = look_up(store, event_id, budget, clock).await {
                    return Ok(Acquisition::Lease(Lease::Shard(lease), lookup));
                }
                // The row answers the deliveries that wait, and saves the next one the look-up. A failure to write it
                // does no harm.
                let commit = pin!(lease.commit(event_id, marker.ends_at(), clock));
                let _finished = select(commit, pin!(clock.sleep(MARK_WAIT))).await;
                Ok(Acquisition::Duplicate)
            }
        }
    }
}

impl<M: MarkerStore, S: Shards> Lease<M, S> {
    /// Marks the event as seen, and ends the lease.
    pub(crate) async fn commit(
        self,
        event_id: &EventId,
        marker: Marker,
        clock: &impl Clock,
    ) -> Result<(), PlatformError> {
        match self {
            Self::Markers(markers) => markers.mark(event_id, marker).await,
            Self::Shard(lease) => lease.commit(event_id, marker.ends_at(), clock).await,
        }
    }
}
