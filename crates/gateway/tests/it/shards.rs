//! The shards of a world: one lease table, with its rows in the world's store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::dedupe::lease::{Decision, Decisions, LeaseId, LeaseTable};
use cronozen_gateway::dedupe::shard::{ShardLease, Shards};
use cronozen_gateway::dedupe::{Marker, MarkerStore};
use cronozen_gateway::runtime::{Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;
use tokio::sync::oneshot;

use crate::platform::{Behaviour, FakeClock, FakeStore};

type Table = LeaseTable<Caller>;

/// A delivery that has asked for the lease of an event.
pub struct Caller {
    event_id: EventId,
    answer: oneshot::Sender<Decision>,
}

/// A single shard for all events. Its rows are the markers in a store.
#[derive(Clone)]
pub struct FakeShards {
    pub clock: FakeClock,
    pub rows: FakeStore,
    /// The behaviour of a request for a lease.
    pub acquire: Rc<Cell<Behaviour>>,
    /// The behaviour of a lease's commit, before it writes anything.
    pub commit: Rc<Cell<Behaviour>>,
    pub table: Rc<RefCell<Table>>,
    /// The number of restarts. A lease from before a restart cannot be committed.
    pub generation: Rc<Cell<u32>>,
}

impl FakeShards {
    pub fn new(clock: &FakeClock, rows: &FakeStore) -> Self {
        Self {
            clock: clock.clone(),
            rows: rows.clone(),
            acquire: Rc::new(Cell::new(Behaviour::Works(0))),
            commit: Rc::new(Cell::new(Behaviour::Works(0))),
            table: Rc::new(RefCell::new(LeaseTable::new(0))),
            generation: Rc::default(),
        }
    }

    /// Restarts the shard: it loses its leases and keeps its rows.
    pub fn restart(&self) {
        self.generation.set(self.generation.get() + 1);
        self.table.replace(LeaseTable::new(self.generation.get()));
    }

    fn release(&self, event_id: &EventId, lease: LeaseId) {
        let decisions = self.table.borrow_mut().release(event_id, lease, self.clock.now());
        self.answer_callers(decisions);
    }

    fn answer_callers(&self, decisions: Decisions<Caller>) {
        for (Caller { event_id, answer }, decision) in decisions {
            // The caller has given up, so its lease is released.
            if let Err(Decision::Lease(lease)) = answer.send(decision) {
                self.release(&event_id, lease);
            }
        }
    }

    async fn write(
        &self,
        event_id: &EventId,
        ends_at: Timestamp,
        lease: Option<LeaseId>,
    ) -> Result<(), PlatformError> {
        let received_at = self.clock.now();
        self.rows.mark(event_id, Marker { ttl: ends_at.since(received_at), received_at }).await?;
        let decisions = self.table.borrow_mut().commit(event_id, lease);
        self.answer_callers(decisions);
        Ok(())
    }
}

impl Shards for FakeShards {
    type Lease = FakeLease;

    async fn acquire(
        &self,
        _: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> Result<Decision<FakeLease>, PlatformError> {
        self.acquire.get().perform(|| ()).await?;
        if !ignores_row && self.rows.has_marker(event_id).await? {
            return Ok(Decision::Duplicate);
        }
        let (answer, answered) = oneshot::channel();
        let caller = Caller { event_id: event_id.clone(), answer };
        let decisions = self.table.borrow_mut().acquire(event_id, self.clock.now(), wait, caller);
        self.answer_callers(decisions);
        let decision = answered.await.map_err(|_| PlatformError::new("the shard has restarted"))?;
        Ok(decision.map_lease(|lease| FakeLease {
            shards: self.clone(),
            generation: self.generation.get(),
            event_id: event_id.clone(),
            lease,
        }))
    }

    async fn mark(
        &self,
        _: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> Result<(), PlatformError> {
        self.write(event_id, ends_at, None).await
    }
}

/// A lease that the shard has granted. Dropping it releases it.
pub struct FakeLease {
    pub shards: FakeShards,
    generation: u32,
    pub event_id: EventId,
    lease: LeaseId,
}

impl ShardLease for FakeLease {
    async fn commit(&self, ends_at: Timestamp) -> Result<(), PlatformError> {
        self.shards.commit.get().perform(|| ()).await?;
        if self.shards.generation.get() != self.generation {
            return Err(PlatformError::new("the shard has restarted"));
        }
        self.shards.write(&self.event_id, ends_at, Some(self.lease)).await
    }
}

impl std::fmt::Debug for FakeLease {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("FakeLease").field(&self.lease).finish()
    }
}

impl Drop for FakeLease {
    fn drop(&mut self) {
        self.shards.release(&self.event_id, self.lease);
    }
}
