//! Strict deduplication: each event belongs to one shard, which leases it to one delivery at a time.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};

use super::{Acquired, DedupeStore, Lease, Lookup, SeenStore, look};
use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::message::Marker;
use crate::platform::Clock;
use crate::settings::{Budget, MARK_WAIT};
use crate::time::Timestamp;

/// The number of shards. A queue takes 5,000 messages a second, and a Durable Object about 1,000 requests. This is
/// no setting, because another number would send events to shards that have never seen them. It is a power of two,
/// so that a byte's remainder is even.
pub const SHARDS: u8 = 16;

/// The longest that a lease's own commit may take. A shard that has not answered by then is asked through another call.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);

/// Returns the shard of an event, below [`SHARDS`]. It depends on the id alone and never changes.
#[must_use]
pub fn shard_of(event_id: &EventId) -> u8 {
    let digest: [u8; 32] = Sha256::digest(event_id.as_str()).into();
    let [first, ..] = digest;
    first % SHARDS
}

/// The shards. Clones call the same ones.
pub trait Shards {
    /// The shard's lease, held by the caller. A lease that is dropped is released.
    type Lease: ShardLease + 'static;

    /// Asks a shard for a lease, which waits up to `wait` for the one that another delivery holds. The row that
    /// the event has is ignored if `ignores_row` says so.
    ///
    /// # Errors
    /// If the shard cannot be reached, is overloaded, or ends.
    fn acquire(
        &self,
        shard: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> impl Future<Output = Result<Granted<Self::Lease>, PlatformError>>;

    /// Writes an event's row without a lease.
    ///
    /// # Errors
    /// If the shard cannot be reached, is overloaded, or ends.
    fn mark(
        &self,
        shard: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> impl Future<Output = Result<(), PlatformError>>;
}

/// A lease as the shard has granted it.
pub trait ShardLease {
    /// Writes the event's row, and ends the lease.
    ///
    /// # Errors
    /// If the shard has restarted since, or cannot be reached.
    fn commit(&self, ends_at: Timestamp) -> impl Future<Output = Result<(), PlatformError>>;
}

/// A shard's answer to a request for a lease.
#[derive(Debug)]
pub enum Granted<L> {
    /// The event may be sent.
    Lease(L),
    /// The event is in the queue already.
    Duplicate,
    /// The lease of another delivery has lasted longer than this one could wait.
    WaitEnded,
    /// Too many deliveries wait already.
    TooManyWaiters,
}

/// Asks an event's shard for a lease, and writes the event's row there after the send.
#[derive(Debug, Clone)]
pub struct ShardDedupe<R, S, K> {
    /// The shards.
    pub shards: R,
    /// The markers of the store that was used before, as long as they count.
    pub previous: Option<S>,
    /// The clock.
    pub clock: K,
}

impl<R, S, K> DedupeStore for ShardDedupe<R, S, K>
where
    R: Shards + Clone + 'static,
    S: SeenStore,
    K: Clock + Clone + 'static,
{
    type Lease = EventLease<R, K>;

    async fn acquire(
        &self,
        event_id: &EventId,
        marker: Marker,
        ignores_marker: bool,
        budget: Budget,
    ) -> Result<Acquired<EventLease<R, K>>, Unavailable> {
        let shard = shard_of(event_id);
        let limit = budget.lease_time_left(self.clock.now());
        let acquire = pin!(self.shards.acquire(shard, event_id, ignores_marker, limit));
        let granted = match select(acquire, pin!(self.clock.sleep(limit))).await {
            Either::Left((granted, _)) => granted.map_err(Unavailable::DeduperFailed)?,
            Either::Right(((), _)) => return Err(Unavailable::DeduperTimedOut(limit)),
        };
        let lease = match granted {
            Granted::Lease(lease) => lease,
            Granted::Duplicate => return Ok(Acquired::Duplicate),
            Granted::WaitEnded => return Err(Unavailable::DeduperTimedOut(limit)),
            Granted::TooManyWaiters => return Err(Unavailable::TooManyWaiters),
        };
        let lookup = match &self.previous {
            Some(previous) if !ignores_marker => {
                look(previous, event_id, budget, &self.clock).await
            }
            _ => Some(Lookup::Missed),
        };
        let lease = EventLease {
            lease,
            shards: self.shards.clone(),
            shard,
            event_id: event_id.clone(),
            clock: self.clock.clone(),
        };
        let Some(lookup) = lookup else {
            // The row answers those that wait, and the next delivery need not look again. It is only a help, so a
            // failure costs nothing.
            let help = pin!(lease.commit(marker));
            let _settled = select(help, pin!(self.clock.sleep(MARK_WAIT))).await;
            return Ok(Acquired::Duplicate);
        };
        Ok(Acquired::Lease(lease, lookup))
    }
}

/// The right to send an event, which no other delivery has.
#[derive(Debug)]
pub struct EventLease<R: Shards, K> {
    lease: R::Lease,
    shards: R,
    shard: u8,
    event_id: EventId,
    clock: K,
}

impl<R: Shards + 'static, K: Clock + 'static> Lease for EventLease<R, K> {
    async fn commit(self, marker: Marker) -> Result<(), PlatformError> {
        let ends_at = marker.ends_at();
        let limit = pin!(self.clock.sleep(COMMIT_LIMIT));
        if let Either::Left((Ok(()), _)) = select(pin!(self.lease.commit(ends_at)), limit).await {
            return Ok(());
        }
        // A shard that has restarted knows nothing of its leases, but takes the row.
        self.shards.mark(self.shard, &self.event_id, ends_at).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_never_changes_its_shard() {
        let shard = |id: &str| shard_of(&EventId::new(id.to_owned()).unwrap());
        // A change here would queue remembered events again.
        assert_eq!(["evt_1", "evt_2", "evt_3", "\u{e9}"].map(shard), [13, 7, 0, 10]);
    }

    #[test]
    fn shards_share_events_evenly() {
        let mut events = [0; SHARDS as usize];
        for number in 0..16_000 {
            events[usize::from(shard_of(&EventId::new(format!("evt_{number}")).unwrap()))] += 1;
        }
        assert!(events.iter().all(|count| (850..1150).contains(count)), "{events:?}");
    }
}
