//! The Durable Objects as the Worker of one delivery calls them over the network.

use std::future::pending;
use std::time::Duration;

use cronozen_gateway::dedupe::lease::Decision;
use cronozen_gateway::dedupe::shard::{ShardLease, Shards};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::{SECOND, pass, since_start};
use crate::connections::Connection;
use crate::delivery::Delivery;
use crate::fate::{CallFate, Step};
use crate::faults::Fault;
use crate::history::PutRecord;
use crate::objects::{Caller, RowWrite};
use crate::session::LeaseHandle;

/// The objects for one delivery.
#[derive(Clone)]
pub struct SimShards(pub Delivery);

/// A lease as its Worker holds it. The session is open until the lease is dropped.
pub struct SimLease {
    handle: LeaseHandle,
    delivery: Delivery,
    _session: Connection,
}

impl Shards for SimShards {
    type Lease = SimLease;

    async fn acquire(
        &self,
        shard: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> Result<Decision<SimLease>, PlatformError> {
        let delivery = &self.0;
        delivery.host.step(Step::BeforeAcquire).await;
        let session = delivery.connections.open().await;
        let (responder, answer) = oneshot::channel();
        match delivery.fate.acquire {
            CallFate::Lost => {
                delivery.strike(Fault::AcquireLost);
                return pending().await;
            }
            CallFate::Refused => {
                delivery.strike(Fault::AcquireRefused);
                return Err(delivery.fail_call().await);
            }
            CallFate::Works { .. } | CallFate::AnswerLost => {
                let request = AcquireRequest {
                    shard: shard.into(),
                    event_id: event_id.clone(),
                    ignores_row,
                    wait,
                };
                spawn_local(ask(delivery.clone(), request, responder));
            }
        }
        let decision = answer.await;
        delivery.host.step(Step::AfterAcquire).await;
        let decision = decision.map_err(|_| PlatformError::new("Durable Object reset."))?;
        let delivery = delivery.clone();
        Ok(decision.map_lease(|handle| SimLease { handle, delivery, _session: session }))
    }

    async fn mark(
        &self,
        shard: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> Result<(), PlatformError> {
        let delivery = &self.0;
        let ends = since_start(ends_at);
        delivery.strike(Fault::MarkedAgain);
        delivery.record("marked without a lease", |trail, now| {
            trail.put.get_or_insert_with(|| PutRecord::new(now, ends)).marked_again = Some(now);
        });
        let _open = delivery.connections.open().await;
        let (responder, answer) = oneshot::channel();
        match delivery.fate.mark_again {
            CallFate::Lost => {
                delivery.strike(Fault::MarkLost);
                return pending().await;
            }
            CallFate::Refused => {
                delivery.strike(Fault::MarkRefused);
                return Err(delivery.fail_call().await);
            }
            CallFate::Works { .. } | CallFate::AnswerLost => {
                let write = RowWrite {
                    delivery: delivery.number,
                    event_id: event_id.clone(),
                    ends,
                    lease: None,
                    takes: delivery.fate.row_delay,
                };
                spawn_local(carry_mark(delivery.clone(), shard.into(), write, responder));
            }
        }
        answer.await.map_err(|_| PlatformError::new("Durable Object reset."))
    }
}

impl ShardLease for SimLease {
    async fn commit(&self, ends_at: Timestamp) -> Result<(), PlatformError> {
        let Self { handle, delivery, .. } = self;
        delivery.host.step(Step::Acknowledged).await;
        let ends = since_start(ends_at);
        delivery.record("commit", |trail, at| trail.put = Some(PutRecord::new(at, ends)));
        let answer = handle.commit(ends);
        delivery.host.step(Step::Marking).await;
        if answer.await.is_ok() {
            return Ok(());
        }
        let error = delivery.fail_call().await;
        delivery.record("commit failed", |trail, now| {
            if let Some(put) = &mut trail.put {
                put.failed = Some(now);
            }
        });
        Err(error)
    }
}

impl Delivery {
    /// Waits until the Worker learns that its call has failed, and returns the error.
    async fn fail_call(&self) -> PlatformError {
        pass(self.fate.call_there).await;
        PlatformError::new("Network connection lost.")
    }
}

/// A request for a lease.
struct AcquireRequest {
    shard: usize,
    event_id: EventId,
    ignores_row: bool,
    wait: Duration,
}

/// Carries a request for a lease to the object and the answer back. It runs on the wire, so it does not end with the
/// Worker's isolate.
async fn ask(
    delivery: Delivery,
    request: AcquireRequest,
    responder: oneshot::Sender<Decision<LeaseHandle>>,
) {
    let AcquireRequest { shard, event_id, ignores_row, wait } = request;
    let Delivery { world, fate, number, .. } = &delivery;
    pass(fate.call_there).await;
    let (answer, decision) = oneshot::channel();
    let caller = Caller { delivery: *number, event_id, fate: fate.clone(), answer };
    world.objects.acquire(world, shard, ignores_row, wait, caller);
    let Ok(decision) = decision.await else { return pass(fate.call_there).await };
    let CallFate::Works { back } = fate.acquire else {
        delivery.strike(Fault::AcquireAnswerLost);
        return;
    };
    if back >= SECOND {
        delivery.strike(Fault::AcquireLate);
    }
    pass(back).await;
    if let Err(Decision::Lease(_)) = responder.send(decision) {
        delivery.strike(Fault::GrantedToNobody);
    }
}

/// Carries a mark without a lease to the object and the answer back.
async fn carry_mark(
    delivery: Delivery,
    shard: usize,
    write: RowWrite,
    responder: oneshot::Sender<()>,
) {
    let Delivery { world, fate, .. } = &delivery;
    pass(fate.call_there).await;
    let (done, written) = oneshot::channel();
    world.objects.write(world, shard, write, done);
    let Ok(()) = written.await else { return };
    let CallFate::Works { back } = fate.mark_again else {
        return delivery.strike(Fault::MarkAnswerLost);
    };
    pass(back).await;
    // The Worker may be gone.
    let _ignored = responder.send(());
}
