//! The Durable Objects of strict mode: the lease table of the gateway crate, and a model of the rows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::dedupe::lease::{Decision, Decisions, LeaseId, LeaseTable};
use cronozen_gateway::dedupe::shard::SHARDS;
use cronozen_gateway::runtime::Clock;
use cronozen_webhook::event::EventId;
use tokio::sync::oneshot;

use crate::clock::{Ms, VirtualClock, pass};
use crate::fate::{Fate, ObjectEnd, ObjectStep};
use crate::faults::Fault;
use crate::history::{LookRecord, Recorder};
use crate::lease_audit::LeaseAudit;
use crate::life::Life;
use crate::limits::ROUNDING;
use crate::plan::Mode;
use crate::session::{LeaseHandle, Session};
use crate::world::World;

/// All objects, by shard.
pub struct Objects(Vec<RefCell<Object>>);

/// One object: durable rows, and leases in memory.
struct Object {
    /// The object's life. A restart ends it and begins a new one.
    life: Rc<Life>,
    /// The number of traps since the last restart. Each trap replaces the object's instance.
    generation: u32,
    leases: LeaseTable<Caller>,
    lease_audit: LeaseAudit,
    /// The durable rows: for each event, the time at which its row ends.
    durable: BTreeMap<String, Ms>,
    /// The rows that can be read, but are not durable yet, in the same form.
    written: BTreeMap<String, Ms>,
    /// The time before which no answer leaves the object: until then earlier rows are not durable.
    gate: Ms,
}

/// A delivery that waits for the answer to its request for a lease.
pub struct Caller {
    pub delivery: usize,
    pub event_id: EventId,
    pub fate: Rc<Fate>,
    pub answer: oneshot::Sender<Decision<LeaseHandle>>,
}

/// A row to be written: by a commit if there is a lease, otherwise by a mark.
pub struct RowWrite {
    pub delivery: usize,
    pub event_id: EventId,
    pub ends: Ms,
    pub lease: Option<LeaseId>,
    /// The time until the row is durable.
    pub takes: Ms,
}

impl Objects {
    pub fn new(clock: VirtualClock, recorder: &Recorder) -> Self {
        let object = |_| {
            RefCell::new(Object {
                life: Life::new(clock),
                generation: 0,
                leases: LeaseTable::new(0),
                lease_audit: LeaseAudit::new(recorder.clone()),
                durable: BTreeMap::new(),
                written: BTreeMap::new(),
                gate: 0,
            })
        };
        Self((0..SHARDS).map(object).collect())
    }

    /// Returns true if an object has granted leases that have not ended.
    pub fn has_leases(&self, shard: usize) -> bool {
        self.0[shard].borrow().lease_audit.has_leases()
    }

    pub fn generation(&self, shard: usize) -> u32 {
        self.0[shard].borrow().generation
    }

    /// Restarts an object or replaces its instance. The object continues at once, without its leases.
    pub fn end(&self, world: &World, shard: usize, end: ObjectEnd) {
        let mut object = self.0[shard].borrow_mut();
        object.lease_audit.interrupt(world.clock.ms());
        match end {
            ObjectEnd::Trap => object.generation += 1,
            ObjectEnd::Restart => {
                object.life.end();
                object.life = Life::new(world.clock);
                object.generation = 0;
                object.written.clear();
                object.gate = 0;
            }
        }
        object.leases = LeaseTable::new(object.generation);
        world.recorder.interrupted(shard);
    }

    /// Ends the object of a delivery if that is planned for this step. Returns true if the object ends.
    pub fn step(&self, world: &World, delivery: usize, step: ObjectStep) -> bool {
        let mut due = None;
        world.recorder.record(delivery, "at a step of its object", |trail, _| {
            let planned = trail.fate.object_end.filter(|(at, _)| *at == step);
            if let (Some((_, end)), Mode::Strict, false) = (planned, world.mode, trail.object_ended)
            {
                trail.object_ended = true;
                due = Some((trail.event, end));
            }
        });
        let Some((event, end)) = due else { return false };
        world.recorder.strike(match end {
            ObjectEnd::Trap => Fault::Trapped,
            ObjectEnd::Restart => fault_of_restart(step),
        });
        self.end(world, world.plan.events[event].shard, end);
        true
    }

    /// Receives a request for a lease.
    pub fn acquire(
        &self,
        world: &Rc<World>,
        shard: usize,
        ignores_row: bool,
        wait: Duration,
        caller: Caller,
    ) {
        if self.step(world, caller.delivery, ObjectStep::Asked) {
            return;
        }
        let (now, half) = (world.clock.ms(), world.plan.deadline / 2);
        let until = now + u64::try_from(wait.as_millis()).unwrap();
        let mut expected = 0;
        world.recorder.record(caller.delivery, "entered", |trail, at| {
            trail.entered = Some(at);
            trail.look = Some(LookRecord { at, as_of: at, in_doubt: false });
            // The Worker computed the wait before the request travelled to the object.
            expected = trail.arrived.unwrap_or_default() + half + trail.fate.call_there;
        });
        if until.abs_diff(expected) > ROUNDING {
            world
                .recorder
                .broken_rule(caller.delivery, "its wait does not end at half of its deadline");
        }
        let mut object = self.0[shard].borrow_mut();
        let key = caller.event_id.as_str().to_owned();
        let row = object.written.get(&key).or_else(|| object.durable.get(&key)).copied();
        if row.is_some_and(|ends| ends <= now) {
            world.recorder.strike(Fault::MarkerExpired);
        }
        let decisions = if !ignores_row && row.is_some_and(|ends| now < ends) {
            vec![(caller, Decision::Duplicate)]
        } else {
            object.lease_audit.ask(&key, caller.delivery, until, now);
            let (event_id, timestamp) = (caller.event_id.clone(), world.clock.now());
            let decisions = object.leases.acquire(&event_id, timestamp, wait, caller);
            object.audit(&decisions, None, now);
            decisions
        };
        drop(object);
        self.send_answers(world, shard, decisions);
    }

    /// Ends a lease that the Worker has disposed of.
    pub fn release(&self, world: &Rc<World>, session: &Session) {
        let mut object = self.0[session.shard].borrow_mut();
        if object.generation != session.generation {
            world.recorder.strike(Fault::ReleasedByOldHandle);
        }
        let now = world.clock.ms();
        object.lease_audit.end(session.event_id.as_str(), session.delivery, now);
        let timestamp = world.clock.now();
        let decisions = object.leases.release(&session.event_id, session.lease, timestamp);
        object.audit(&decisions, None, now);
        drop(object);
        self.send_answers(world, session.shard, decisions);
    }

    /// Writes a row, and ends the lease if there is one. Sends on `done` when the row is durable.
    pub fn write(
        &self,
        world: &Rc<World>,
        shard: usize,
        write: RowWrite,
        done: oneshot::Sender<()>,
    ) {
        let RowWrite { delivery, event_id, ends, lease, takes } = write;
        if self.step(world, delivery, ObjectStep::Committing) {
            return;
        }
        let now = world.clock.ms();
        let mut object = self.0[shard].borrow_mut();
        let key = event_id.as_str().to_owned();
        object.written.insert(key.clone(), ends);
        object.gate = object.gate.max(now + takes);
        if lease.is_some() {
            object.lease_audit.end(&key, delivery, now);
        }
        let decisions = object.leases.commit(&event_id, lease);
        object.audit(&decisions, Some(&key), now);
        let life = Rc::clone(&object.life);
        drop(object);
        self.send_answers(world, shard, decisions);
        let world = Rc::clone(world);
        life.spawn(async move {
            pass(takes).await;
            world.objects.make_durable(shard, key, ends);
            world.recorder.record(delivery, "durable", |trail, now| {
                if let Some(put) = &mut trail.put {
                    put.applied = put.applied.or(Some(now));
                }
            });
            if !world.objects.step(&world, delivery, ObjectStep::Durable) {
                // The task that carries the answer outlives the Worker, so it still waits.
                let _ignored = done.send(());
            }
        });
    }

    fn make_durable(&self, shard: usize, key: String, ends: Ms) {
        let mut object = self.0[shard].borrow_mut();
        object.written.remove(&key);
        object.durable.insert(key, ends);
    }

    /// Sends answers in their order, unless the object ends first.
    fn send_answers(&self, world: &Rc<World>, shard: usize, decisions: Decisions<Caller>) {
        let is_lease = |decision: &Decision| matches!(decision, Decision::Lease(_));
        let granted = decisions.iter().filter(|(_, decision)| is_lease(decision));
        let granted: Vec<usize> = granted.map(|(caller, _)| caller.delivery).collect();
        if granted.into_iter().any(|delivery| self.step(world, delivery, ObjectStep::Granted)) {
            return;
        }
        let object = self.0[shard].borrow();
        for (caller, decision) in decisions {
            let Caller { delivery, event_id, fate, answer } = caller;
            let decision = decision.map_lease(|lease| {
                let session = Session {
                    world: Rc::clone(world),
                    shard,
                    life: Rc::clone(&object.life),
                    generation: object.generation,
                    delivery,
                    event_id,
                    fate,
                    lease,
                };
                session.open()
            });
            let (clock, gate) = (world.clock, object.gate);
            object.life.spawn(async move {
                clock.until(gate).await;
                // The task that carries the answer outlives the Worker, so it still waits.
                let _ignored = answer.send(decision);
            });
        }
    }
}

impl Object {
    /// Passes the table's answers to the audit. `committed` is the event that the call has committed.
    fn audit(&mut self, decisions: &Decisions<Caller>, committed: Option<&str>, now: Ms) {
        for (Caller { delivery, event_id, .. }, decision) in decisions {
            let event = event_id.as_str();
            self.lease_audit.answer(event, *delivery, *decision, committed == Some(event), now);
        }
        self.lease_audit.check_waits(committed, now);
    }
}

fn fault_of_restart(step: ObjectStep) -> Fault {
    match step {
        ObjectStep::Asked => Fault::RestartedAsked,
        ObjectStep::Granted => Fault::RestartedGranted,
        ObjectStep::BeforeSend => Fault::RestartedBeforeSend,
        ObjectStep::Stored => Fault::RestartedStored,
        ObjectStep::Committing => Fault::RestartedCommitting,
        ObjectStep::Durable => Fault::RestartedDurable,
    }
}
