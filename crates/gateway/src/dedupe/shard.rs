//! Strict deduplication: each event belongs to one shard, which leases it to one delivery at a time.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::lease::Decision;
use crate::budget::Budget;
use crate::runtime::{Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

/// The number of shards. A queue accepts 5,000 messages a second, and a Durable Object about 1,000 requests. The number
/// is not a setting, because another one would send events to shards that have never seen them. It is a power of two,
/// so that the remainders of a byte are spread evenly.
pub const SHARDS: u8 = 16;

/// The longest that the commit of a lease may take. After that, another call writes the row.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);

/// Returns the shard of an event, below [`SHARDS`]. It depends only on the id and never changes.
#[must_use]
pub fn shard_of(event_id: &EventId) -> u8 {
    let digest: [u8; 32] = Sha256::digest(event_id.as_str()).into();
    let [first, ..] = digest;
    first % SHARDS
}

/// The shards. Clones share them.
pub trait Shards {
    /// A lease that the caller holds. Dropping it releases the lease.
    type Lease: ShardLease + 'static;

    /// Requests an event's lease from a shard. The request waits up to `wait` while another delivery holds the lease.
    /// The event's row is ignored if `ignores_row` is true.
    ///
    /// # Errors
    /// Fails if the shard cannot be reached, is overloaded, or ends.
    fn acquire(
        &self,
        shard: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> impl Future<Output = Result<Decision<Self::Lease>, PlatformError>>;

    /// Writes an event's row without a lease.
    ///
    /// # Errors
    /// Fails if the shard cannot be reached, is overloaded, or ends.
    fn mark(
        &self,
        shard: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> impl Future<Output = Result<(), PlatformError>>;
}

/// A lease that a shard has granted.
pub trait ShardLease {
    /// Writes the event's row, and ends the lease.
    ///
    /// # Errors
    /// Fails if the shard has restarted since the grant, or cannot be reached.
    fn commit(&self, ends_at: Timestamp) -> impl Future<Output = Result<(), PlatformError>>;
}

/// The reason why an event's lease was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AcquireError {
    /// Too many deliveries already wait for a lease.
    #[error("too many deliveries wait for a lease")]
    TooManyWaiters,
    /// The shard could not be reached, was overloaded, or ended.
    #[error("deduper failed: {0}")]
    Failed(PlatformError),
    /// The shard did not answer in time, or another delivery held the event's lease for the whole time.
    #[error("deduper granted no lease within {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// A lease together with the shard that granted it.
pub(crate) struct OwnedLease<S: Shards> {
    lease: S::Lease,
    shards: S,
    shard: u8,
}

impl<S: Shards> OwnedLease<S> {
    /// Requests a lease from the event's shard. Returns `None` if the event is in the queue already.
    pub(super) async fn acquire(
        shards: S,
        event_id: &EventId,
        ignores_row: bool,
        budget: Budget,
        clock: &impl Clock,
    ) -> Result<Option<Self>, AcquireError> {
        let shard = shard_of(event_id);
        let limit = budget.lease_time_left(clock.now());
        let decision = {
            let acquire = pin!(shards.acquire(shard, event_id, ignores_row, limit));
            match select(acquire, pin!(clock.sleep(limit))).await {
                Either::Left((result, _)) => result.map_err(AcquireError::Failed)?,
                Either::Right(((), _)) => return Err(AcquireError::TimedOut(limit)),
            }
        };
        match decision {
            Decision::Lease(lease) => Ok(Some(Self { lease, shards, shard })),
            Decision::Duplicate => Ok(None),
            Decision::WaitEnded => Err(AcquireError::TimedOut(limit)),
            Decision::TooManyWaiters => Err(AcquireError::TooManyWaiters),
        }
    }

    /// Writes the event's row, and ends the lease.
    pub(super) async fn commit(
        &self,
        event_id: &EventId,
        ends_at: Timestamp,
        clock: &impl Clock,
    ) -> Result<(), PlatformError> {
        let limit = pin!(clock.sleep(COMMIT_LIMIT));
        if let Either::Left((Ok(()), _)) = select(pin!(self.lease.commit(ends_at)), limit).await {
            return Ok(());
        }
        // A shard that has restarted has lost its leases, but accepts the row.
        self.shards.mark(self.shard, event_id, ends_at).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_never_changes_its_shard() {
        let shard = |id: &str| shard_of(&EventId::new(id.to_owned()).unwrap());
        // A change of these numbers would queue seen events again.
        assert_eq!(["evt_1", "evt_2", "evt_3", "\u{e9}"].map(shard), [13, 7, 0, 10]);
    }

    #[test]
    fn events_are_spread_evenly_over_the_shards() {
        let mut events = [0; SHARDS as usize];
        for number in 0..16_000 {
            events[usize::from(shard_of(&EventId::new(format!("evt_{number}")).unwrap()))] += 1;
        }
        assert!(events.iter().all(|count| (850..1150).contains(count)), "{events:?}");
    }
}
