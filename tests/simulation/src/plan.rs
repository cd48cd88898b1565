//! A world before it begins: everything that is drawn from the seed.

use std::rc::Rc;

use fastrand::Rng;

use crate::clock::{HOUR, MINUTE, Ms, SECOND};
use crate::fate::{Fate, one_in};
use drawing::{attacks, created, event};
pub use hanging::HangingSends;

mod calm;
mod drawing;
mod hanging;

/// How the gateway recognises duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Kv,
    Strict,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::Kv, Self::Strict];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Strict => "strict",
        }
    }
}

/// The smallest TTL that the gateway takes: 48 h.
pub const TTL: Ms = 48 * HOUR;

/// The sender's delays before its attempts.
pub const DELAYS: [Ms; 7] = [0, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];

const MIN_EVENTS: usize = 20;
const MIN_LOCATIONS: usize = 4;

const TYPES: [&str; 4] =
    ["dpu.sealed", "payment.completed", "attendance.verified", "certificate.issued"];

/// A time in which something does not work.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    from: Ms,
    to: Ms,
    /// Whether it hangs then, or fails.
    pub hangs: bool,
}

impl Outage {
    fn draw(rng: &mut Rng) -> Self {
        let (from, lasts) = match rng.u8(..3) {
            0 => (rng.u64(..2 * MINUTE), rng.u64(MINUTE..20 * MINUTE)),
            1 => (rng.u64(..HOUR), rng.u64(10 * MINUTE..4 * HOUR)),
            _ => (rng.u64(..24 * HOUR), rng.u64(HOUR..10 * HOUR)),
        };
        Self { from, to: from + lasts, hangs: rng.bool() }
    }

    /// Whether any of it lies between two times.
    pub fn overlaps(self, from: Ms, to: Ms) -> bool {
        self.from <= to && from <= self.to
    }
}

/// The outage at a time.
pub fn outage_at(outages: &[Outage], at: Ms) -> Option<Outage> {
    outages.iter().copied().find(|outage| outage.overlaps(at, at))
}

/// One way of a delivery: where it goes, and what happens to it.
#[derive(Clone)]
pub struct Trip {
    pub location: usize,
    pub fate: Rc<Fate>,
}

pub struct Attempt {
    pub trip: Trip,
    /// Which form of the body is sent.
    pub form: usize,
    /// The same attempt once more or several times more, each so much later.
    pub twins: Vec<(Ms, Trip)>,
}

pub struct Event {
    pub id: String,
    /// The object that it belongs to.
    pub shard: usize,
    pub created: Ms,
    /// Whether the body says so.
    pub dated: bool,
    /// The forms that its body takes: the same event in other bytes.
    pub bodies: Vec<Vec<u8>>,
    /// One for each delay, and one for the retry by hand.
    pub attempts: Vec<Attempt>,
    /// When it is retried by hand, after the last failure.
    pub by_hand: Option<Ms>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    WrongSecret,
    OtherSignature,
    Tampered,
    Missing,
    Malformed,
    Garbage,
    NoEvent,
}

const FORGERIES: [Forgery; 7] = [
    Forgery::WrongSecret,
    Forgery::OtherSignature,
    Forgery::Tampered,
    Forgery::Missing,
    Forgery::Malformed,
    Forgery::Garbage,
    Forgery::NoEvent,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttackKind {
    Forged(Forgery),
    /// The sender's own, but not an event: a test of the address, say.
    SignedNoEvent,
    Replayed,
    ReplayedAtOnce,
    ReplayedLate,
}

pub struct Attack {
    pub kind: AttackKind,
    /// The event that is replayed or whose request is abused.
    pub event: usize,
    pub at: Ms,
    pub trip: Trip,
}

pub struct Plan {
    pub seed: u64,
    pub deadline: Ms,
    /// Whether events outside the replay window are refused.
    pub refuse: bool,
    pub locations: usize,
    /// How long KV caches a look-up.
    pub cache: Ms,
    /// The old and the new one.
    pub secrets: [String; 2],
    /// When the sender rotates.
    pub rotated: Ms,
    /// Whether a retry after the rotation is signed with the new secret.
    pub resigns: bool,
    /// When each location is deployed with both secrets.
    pub learns: Vec<Ms>,
    /// When each location is deployed without the old one.
    pub drops: Vec<Ms>,
    pub queue_outages: Vec<Outage>,
    /// By location.
    pub look_outages: Vec<Vec<Outage>>,
    /// When KV refuses all writes.
    pub write_limits: Vec<Outage>,
    /// When which object restarts by a deployment.
    pub restarts: Vec<(Ms, usize)>,
    pub events: Vec<Event>,
    pub attacks: Vec<Attack>,
    /// How many sends hang, if it is a world of those.
    pub hanging: Option<HangingSends>,
}

fn id(seed: u64, number: usize) -> String {
    format!("evt_{seed}_{number}")
}

impl Plan {
    pub fn draw(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let deadline = [1000, 4000, 4500][rng.usize(..3)];
        let locations = MIN_LOCATIONS + rng.usize(..3);
        let rotated = if rng.bool() { rng.u64(..5 * MINUTE) } else { rng.u64(..10 * HOUR) };
        let deployed = |rng: &mut Rng| {
            rotated + if rng.bool() { rng.u64(..MINUTE) } else { rng.u64(..3 * HOUR) }
        };
        let learns: Vec<Ms> = (0..locations).map(|_| deployed(rng)).collect();
        let never = Ms::MAX;
        let drops = learns.iter().map(|learns| {
            if rng.bool() { never } else { learns + rng.u64(TTL + MINUTE..TTL + 8 * HOUR) }
        });
        let drops = drops.collect();
        let events: Vec<Event> = (0..MIN_EVENTS + rng.usize(..5))
            .map(|number| {
                let created = created(rng);
                event(rng, id(seed, number), created, locations, deadline)
            })
            .collect();
        let mut look_outages: Vec<Vec<Outage>> =
            (0..locations).map(|_| vec![Outage::draw(rng)]).collect();
        if one_in(rng, 3) {
            // So long that events have all of their attempts in it.
            let from_the_first = Outage { from: 0, to: 4 * 24 * HOUR, hangs: rng.bool() };
            look_outages[rng.usize(..locations)].push(from_the_first);
        }
        Self {
            seed,
            deadline,
            refuse: rng.bool(),
            locations,
            cache: if rng.bool() { 30 * SECOND } else { MINUTE },
            secrets: [format!("whsec_old_{seed}"), format!("whsec_new_{seed}")],
            rotated,
            resigns: rng.bool(),
            learns,
            drops,
            queue_outages: vec![Outage::draw(rng)],
            look_outages,
            write_limits: vec![Outage::draw(rng)],
            restarts: (0..8).map(|_| (rng.u64(..10 * MINUTE), rng.usize(..16))).collect(),
            attacks: attacks(rng, &events, locations, deadline),
            events,
            hanging: None,
        }
    }

    /// The secret that the sender signs with: its number in `secrets`.
    pub fn signs_with(&self, at: Ms) -> usize {
        usize::from(at >= self.rotated)
    }

    /// The deployment that a location has, counted from 0.
    pub fn deployment(&self, location: usize, at: Ms) -> usize {
        usize::from(at >= self.learns[location]) + usize::from(at >= self.drops[location])
    }

    /// The secrets of a deployment, newest first.
    pub fn deployed_secrets(&self, deployment: usize) -> String {
        let [old, new] = &self.secrets;
        match deployment {
            0 => old.clone(),
            1 => format!("{new} {old}"),
            _ => new.clone(),
        }
    }

    /// Whether a location knows a secret.
    pub fn knows(&self, location: usize, secret: usize, at: Ms) -> bool {
        match self.deployment(location, at) {
            0 => secret == 0,
            1 => true,
            _ => secret == 1,
        }
    }

    /// Whether an event lies outside the replay window.
    pub fn is_outside(&self, event: usize, at: Ms) -> bool {
        let event = &self.events[event];
        event.dated && at > event.created + TTL
    }
}
