//! The record of what really happened. The models of the world write it, never the code under test.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use cronozen_gateway::log::{Level, Log, Record};

use crate::clock::{Ms, VirtualClock};
use crate::fate::Fate;
use crate::faults::{Fault, Strikes};
use crate::life::Life;
use crate::limits::MAX_LEASE;
use crate::plan::{Attack, AttackKind};

/// The kind of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The sender's attempt, counted from 0.
    Attempt(usize),
    /// The same attempt, sent again.
    Twin(usize),
    ByHand,
    Attack(AttackKind),
}

impl From<&Attack> for Kind {
    fn from(attack: &Attack) -> Self {
        Self::Attack(attack.kind)
    }
}

/// A look-up, as the store saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookRecord {
    pub at: Ms,
    /// The time whose state it saw: earlier than `at` if it saw a cached miss.
    pub as_of: Ms,
    /// True if no answer can arrive within the look-up's time.
    pub in_doubt: bool,
}

/// A send, as the queue saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRecord {
    pub at: Ms,
    pub stored: Option<Ms>,
    /// The time of the acknowledgement.
    pub acknowledged: Option<Ms>,
    /// The time of the failure.
    pub failed: Option<Ms>,
}

/// A marker, as the store saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRecord {
    pub at: Ms,
    /// The time at which it took effect. None if it was refused, failed or hung. A row takes effect when it is durable.
    pub applied: Option<Ms>,
    /// The time at which the Worker learnt that its commit had failed.
    pub failed: Option<Ms>,
    /// The time at which the Worker then marked the event without the lease.
    pub marked_again: Option<Ms>,
    /// The time at which a living isolate stopped waiting for it: the platform then cuts it off.
    pub dropped: Option<Ms>,
    /// The time from which it is visible, by location.
    pub visible: Vec<Ms>,
    pub ends: Ms,
}

impl PutRecord {
    /// Returns the record of a marker that has just been issued.
    pub fn new(at: Ms, ends: Ms) -> Self {
        let never = None;
        Self {
            at,
            applied: never,
            failed: never,
            marked_again: never,
            dropped: never,
            visible: Vec::new(),
            ends,
        }
    }
}

/// A lease, as the object that granted it saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRecord {
    pub at: Ms,
    /// The time at which the Worker disposed of it.
    pub disposed: Option<Ms>,
    /// The time at which it ended at the object: by a commit, a release, its limit, or the object's own end.
    pub ended: Option<Ms>,
}

impl LeaseRecord {
    /// Returns the record of a lease that has just been granted.
    pub fn new(at: Ms) -> Self {
        Self { at, disposed: None, ended: None }
    }

    /// Returns the time from which another lease may be granted.
    pub fn over_at(self) -> Ms {
        let limit = self.at + MAX_LEASE;
        self.ended.map_or(limit, |ended| ended.min(limit))
    }
}

/// One delivery's trail through the world.
#[derive(Clone)]
pub struct Trail {
    pub kind: Kind,
    /// The event whose request it sends or abuses.
    pub event: usize,
    /// The secret that signed it. None if it is forged.
    pub secret: Option<usize>,
    pub location: usize,
    pub fate: Rc<Fate>,
    pub arrived: Option<Ms>,
    pub isolate: Option<Rc<Life>>,
    /// The time and the status of the gateway's answer.
    pub answered: Option<(Ms, u16)>,
    /// The time at which its request for the lease reached the object.
    pub entered: Option<Ms>,
    pub look: Option<LookRecord>,
    pub lease: Option<LeaseRecord>,
    pub sent: Option<SendRecord>,
    pub put: Option<PutRecord>,
    /// True if the planned end of its object has happened.
    pub object_ended: bool,
}

impl Trail {
    pub fn new(
        kind: Kind,
        event: usize,
        secret: Option<usize>,
        location: usize,
        fate: Rc<Fate>,
    ) -> Self {
        Self {
            kind,
            event,
            secret,
            location,
            fate,
            arrived: None,
            isolate: None,
            answered: None,
            entered: None,
            look: None,
            lease: None,
            sent: None,
            put: None,
            object_ended: false,
        }
    }

    pub fn isolate_died(&self) -> Option<Ms> {
        self.isolate.as_ref().and_then(|life| life.died())
    }
}

/// A message on the queue.
pub struct QueuedCopy {
    pub delivery: usize,
    pub at: Ms,
    pub text: String,
}

/// The recorder of a world's history. Clones share the history.
#[derive(Clone)]
pub struct Recorder(Rc<RefCell<History>>, VirtualClock);

/// The history of one world.
#[derive(Default)]
pub struct History {
    pub trails: Vec<Trail>,
    /// In the order of the queue.
    pub copies: Vec<QueuedCopy>,
    pub strikes: Strikes,
    /// The time and the object of each restart and trap, in the order of time.
    pub interruptions: Vec<(Ms, usize)>,
    /// The rules that a model saw broken, each with its delivery.
    pub broken_rules: Vec<(usize, &'static str)>,
    trace: DefaultHasher,
}

impl History {
    /// Returns a hash of everything that happened, in its order.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }
}

impl Recorder {
    pub fn new(clock: VirtualClock) -> Self {
        Self(Rc::default(), clock)
    }

    /// Returns the history at the end of the world, and leaves an empty one.
    pub fn close(&self) -> History {
        self.0.take()
    }

    /// Begins a delivery, and returns its number.
    pub fn open(&self, trail: Trail) -> usize {
        let mut history = self.0.borrow_mut();
        history.trails.push(trail);
        history.trails.len() - 1
    }

    /// Records that something has happened to a delivery.
    pub fn record(&self, delivery: usize, what: &'static str, change: impl FnOnce(&mut Trail, Ms)) {
        let now = self.1.ms();
        let mut history = self.0.borrow_mut();
        (now, delivery, what).hash(&mut history.trace);
        // After `close`, drops that end with the world find no trail.
        if let Some(trail) = history.trails.get_mut(delivery) {
            change(trail, now);
        }
    }

    pub fn stored(&self, delivery: usize, text: String) {
        self.record(delivery, "stored", |trail, now| {
            if let Some(sent) = &mut trail.sent {
                sent.stored = Some(now);
            }
        });
        let at = self.1.ms();
        let mut history = self.0.borrow_mut();
        text.hash(&mut history.trace);
        history.copies.push(QueuedCopy { delivery, at, text });
    }

    /// Records that an object has restarted or trapped.
    pub fn interrupted(&self, shard: usize) {
        let now = self.1.ms();
        let mut history = self.0.borrow_mut();
        (now, shard).hash(&mut history.trace);
        history.interruptions.push((now, shard));
    }

    /// Records that a model has seen a rule broken.
    pub fn broken_rule(&self, delivery: usize, what: &'static str) {
        self.0.borrow_mut().broken_rules.push((delivery, what));
    }

    pub fn strike(&self, fault: Fault) {
        let mut history = self.0.borrow_mut();
        history.strikes.strike(fault);
        (fault as usize, self.1.ms()).hash(&mut history.trace);
    }
}

/// Adds the gateway's log to the trace.
impl Log for Recorder {
    fn write(&self, level: Level, record: &Record) {
        let mut history = self.0.borrow_mut();
        (level as usize, record.outcome as usize, record.ms, record.code).hash(&mut history.trace);
    }
}
