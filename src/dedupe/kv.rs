//! Deduplication over an eventually consistent store, such as Workers KV.

use super::{Acquired, DedupeStore, Lease, Lookup, SeenStore, look};
use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::message::Marker;
use crate::platform::Clock;
use crate::settings::Budget;

/// Looks for a marker before the send, and writes one after it. A look-up without an answer counts as a miss.
#[derive(Debug, Clone)]
pub struct KvDedupe<S, K> {
    /// The markers.
    pub markers: S,
    /// The clock.
    pub clock: K,
}

impl<S: SeenStore + Clone + 'static, K: Clock> DedupeStore for KvDedupe<S, K> {
    type Lease = KvLease<S>;

    async fn acquire(
        &self,
        event_id: &EventId,
        _: Marker,
        ignores_marker: bool,
        budget: Budget,
    ) -> Result<Acquired<KvLease<S>>, Unavailable> {
        let lookup = if ignores_marker {
            Some(Lookup::Missed)
        } else {
            look(&self.markers, event_id, budget, &self.clock).await
        };
        let Some(lookup) = lookup else { return Ok(Acquired::Duplicate) };
        let lease = KvLease { markers: self.markers.clone(), event_id: event_id.clone() };
        Ok(Acquired::Lease(lease, lookup))
    }
}

/// The right to send an event, which others may have at the same time: the store cannot keep them apart.
#[derive(Debug)]
pub struct KvLease<S> {
    markers: S,
    event_id: EventId,
}

impl<S: SeenStore + 'static> Lease for KvLease<S> {
    async fn commit(self, marker: Marker) -> Result<(), PlatformError> {
        self.markers.mark(&self.event_id, marker).await
    }
}
