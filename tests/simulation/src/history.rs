//! What really happened, history by the models of the world and never by the code under test.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use cronozen_gateway::log::{Level, Log, Record};

use crate::causes::LEASE;
use crate::clock::{Ms, VirtualClock};
use crate::fate::Fate;
use crate::faults::{Fault, Strikes};
use crate::life::Life;
use crate::plan::{Attack, AttackKind};

/// What a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The sender's attempt, counted from 0.
    Attempt(usize),
    /// The same attempt once more.
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
    /// What it saw was the state of this time: earlier, if it saw a cached miss.
    pub as_of: Ms,
    /// Whether no answer can have come within the look-up's time.
    pub in_doubt: bool,
}

/// A send, as the queue saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRecord {
    pub at: Ms,
    pub stored: Option<Ms>,
    /// When the acknowledgement came.
    pub acknowledged: Option<Ms>,
    /// When the failure came.
    pub failed: Option<Ms>,
}

/// A marker, as the store saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRecord {
    pub at: Ms,
    /// When it took effect; never, if it was refused, failed or hung. A row takes effect once it is durable.
    pub applied: Option<Ms>,
    /// When the Worker learnt that its commit had failed.
    pub failed: Option<Ms>,
    /// When the Worker marked the event without the lease, after that.
    pub marked_again: Option<Ms>,
    /// When a living isolate stopped waiting for it; the platform cuts off what nobody waits for.
    pub dropped: Option<Ms>,
    /// When it is visible, by location.
    pub visible: Vec<Ms>,
    pub ends: Ms,
}

impl PutRecord {
    /// A marker that has been issued.
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
    /// When the Worker let go of it.
    pub disposed: Option<Ms>,
    /// When it ended at the object: by a commit, a release, its limit, or the object's own end.
    pub ended: Option<Ms>,
}

impl LeaseRecord {
    /// A lease that has been granted.
    pub fn new(at: Ms) -> Self {
        Self { at, disposed: None, ended: None }
    }

    /// From when on another lease may be granted.
    pub fn over(self) -> Ms {
        let runs_out = self.at + LEASE;
        self.ended.map_or(runs_out, |ended| ended.min(runs_out))
    }
}

/// One delivery's trail through the world.
#[derive(Clone)]
pub struct Trail {
    pub kind: Kind,
    /// The event whose request it is or abuses.
    pub event: usize,
    /// The secret that it is truly signed with.
    pub secret: Option<usize>,
    pub location: usize,
    pub fate: Rc<Fate>,
    pub arrived: Option<Ms>,
    pub isolate: Option<Rc<Life>>,
    /// When the gateway answered, and with which status.
    pub answered: Option<(Ms, u16)>,
    /// When its request for the lease came to the object.
    pub entered: Option<Ms>,
    pub look: Option<LookRecord>,
    pub lease: Option<LeaseRecord>,
    pub sent: Option<SendRecord>,
    pub put: Option<PutRecord>,
    /// The end that its object was to have has come.
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

/// Everything that is history. Clones share it.
#[derive(Clone)]
pub struct Recorder(Rc<RefCell<History>>, VirtualClock);

/// What has been history.
#[derive(Default)]
pub struct History {
    pub trails: Vec<Trail>,
    /// In the order of the queue.
    pub copies: Vec<QueuedCopy>,
    pub strikes: Strikes,
    /// When which object restarted or trapped, in the order of time.
    pub interruptions: Vec<(Ms, usize)>,
    /// The rules that a model saw broken, each with the delivery.
    pub broken_rules: Vec<(usize, &'static str)>,
    trace: DefaultHasher,
}

impl History {
    /// A number that stands for all that happened, in its order.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }
}

impl Recorder {
    pub fn new(clock: VirtualClock) -> Self {
        Self(Rc::default(), clock)
    }

    /// All that has been history, at the end.
    pub fn close(&self) -> History {
        self.0.take()
    }

    /// A delivery begins; its number comes back.
    pub fn open(&self, trail: Trail) -> usize {
        let mut history = self.0.borrow_mut();
        history.trails.push(trail);
        history.trails.len() - 1
    }

    /// Something has happened to a delivery.
    pub fn record(&self, delivery: usize, what: &'static str, change: impl FnOnce(&mut Trail, Ms)) {
        let now = self.1.ms();
        let mut history = self.0.borrow_mut();
        (now, delivery, what).hash(&mut history.trace);
        // What is dropped with the world itself is not history any more.
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

    /// An object has restarted or trapped.
    pub fn interrupted(&self, shard: usize) {
        let now = self.1.ms();
        let mut history = self.0.borrow_mut();
        (now, shard).hash(&mut history.trace);
        history.interruptions.push((now, shard));
    }

    /// A model has seen a rule broken.
    pub fn broken_rule(&self, delivery: usize, what: &'static str) {
        self.0.borrow_mut().broken_rules.push((delivery, what));
    }

    pub fn strike(&self, fault: Fault) {
        let mut history = self.0.borrow_mut();
        history.strikes.strike(fault);
        (fault as usize, self.1.ms()).hash(&mut history.trace);
    }
}

/// The gateway's log is a part of what happened.
impl Log for Recorder {
    fn write(&self, level: Level, record: &Record) {
        let mut history = self.0.borrow_mut();
        (level as usize, record.outcome as usize, record.ms, record.code).hash(&mut history.trace);
    }
}
