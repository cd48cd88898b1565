//! The plan of a world: everything that is drawn from the seed before the world starts.

use std::rc::Rc;

use fastrand::Rng;

use crate::clock::{HOUR, MINUTE, Ms, SECOND};
use crate::fate::{Fate, one_in};
use drawing::{attacks, created, event};
pub use hanging::HangingSends;

mod calm;
mod drawing;
mod hanging;

/// The gateway's dedupe mode.
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

/// The smallest TTL that the gateway accepts: 48 h.
pub const TTL: Ms = 48 * HOUR;

/// The sender's delays before its attempts.
pub const DELAYS: [Ms; 7] = [0, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];

const MIN_EVENTS: usize = 20;
const MIN_LOCATIONS: usize = 4;

const TYPES: [&str; 4] =
    ["dpu.sealed", "payment.completed", "attendance.verified", "certificate.issued"];

/// A period in which a part of the platform does not work.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    from: Ms,
    to: Ms,
    /// True if calls hang in it, false if they fail.
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

    /// Returns true if a part of the outage is between two times.
    pub fn overlaps(self, from: Ms, to: Ms) -> bool {
        self.from <= to && from <= self.to
    }
}

/// Returns the outage at a time. Returns `None` if there is none.
pub fn outage_at(outages: &[Outage], at: Ms) -> Option<Outage> {
    outages.iter().copied().find(|outage| outage.overlaps(at, at))
}

/// The location to which a delivery goes, and its fate.
#[derive(Clone)]
pub struct Trip {
    pub location: usize,
    pub fate: Rc<Fate>,
}

pub struct Attempt {
    pub trip: Trip,
    /// The form of the body that is sent: an index into `Event::bodies`.
    pub form: usize,
    /// The repetitions of the attempt, each with the time after which it follows.
    pub twins: Vec<(Ms, Trip)>,
}

pub struct Event {
    pub id: String,
    /// The object that the event belongs to.
    pub shard: usize,
    pub created: Ms,
    /// True if the body contains the time of creation.
    pub dated: bool,
    /// The forms of the body: the same event in different bytes.
    pub bodies: Vec<Vec<u8>>,
    /// One attempt for each delay, and one for the retry by hand.
    pub attempts: Vec<Attempt>,
    /// The time from the last failure to the retry by hand. None if there is no such retry.
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
    /// Signed by the sender, but not an event: a test of the address, for example.
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
    /// True if the gateway refuses events outside the replay window.
    pub refuses_old: bool,
    pub locations: usize,
    /// The time for which KV caches a look-up.
    pub cache_ttl: Ms,
    /// The old secret and the new one.
    pub secrets: [String; 2],
    /// The time at which the sender changes to the new secret.
    pub rotated: Ms,
    /// True if a retry after the rotation is signed with the new secret, even if the first attempt was not.
    pub signs_again: bool,
    /// The time of the deployment with both secrets, by location.
    pub learns_at: Vec<Ms>,
    /// The time of the deployment without the old secret, by location.
    pub drops_at: Vec<Ms>,
    pub queue_outages: Vec<Outage>,
    /// The outages of KV's look-ups, by location.
    pub look_outages: Vec<Vec<Outage>>,
    /// The periods in which KV refuses all writes.
    pub write_limits: Vec<Outage>,
    /// The restarts of objects by deployments: the time and the object of each.
    pub restarts: Vec<(Ms, usize)>,
    pub events: Vec<Event>,
    pub attacks: Vec<Attack>,
    /// The share of sends that hang. None if it is not a world of hanging sends.
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
        let deployed_at = |rng: &mut Rng| {
            rotated + if rng.bool() { rng.u64(..MINUTE) } else { rng.u64(..3 * HOUR) }
        };
        let learns_at: Vec<Ms> = (0..locations).map(|_| deployed_at(rng)).collect();
        let never = Ms::MAX;
        let drops_at = learns_at.iter().map(|learns_at| {
            if rng.bool() { never } else { learns_at + rng.u64(TTL + MINUTE..TTL + 8 * HOUR) }
        });
        let drops_at = drops_at.collect();
        let events: Vec<Event> = (0..MIN_EVENTS + rng.usize(..5))
            .map(|number| {
                let created = created(rng);
                event(rng, id(seed, number), created, locations, deadline)
            })
            .collect();
        let mut look_outages: Vec<Vec<Outage>> =
            (0..locations).map(|_| vec![Outage::draw(rng)]).collect();
        if one_in(rng, 3) {
            // Longer than the schedule, so that all attempts of an event are in it.
            let long_outage = Outage { from: 0, to: 4 * 24 * HOUR, hangs: rng.bool() };
            look_outages[rng.usize(..locations)].push(long_outage);
        }
        Self {
            seed,
            deadline,
            refuses_old: rng.bool(),
            locations,
            cache_ttl: if rng.bool() { 30 * SECOND } else { MINUTE },
            secrets: [format!("whsec_old_{seed}"), format!("whsec_new_{seed}")],
            rotated,
            signs_again: rng.bool(),
            learns_at,
            drops_at,
            queue_outages: vec![Outage::draw(rng)],
            look_outages,
            write_limits: vec![Outage::draw(rng)],
            restarts: (0..8).map(|_| (rng.u64(..10 * MINUTE), rng.usize(..16))).collect(),
            attacks: attacks(rng, &events, locations, deadline),
            events,
            hanging: None,
        }
    }

    /// Returns the secret that the sender signs with at a time, as an index into `secrets`.
    pub fn signs_with(&self, at: Ms) -> usize {
        usize::from(at >= self.rotated)
    }

    /// Returns the number of a location's deployment at a time, counted from 0.
    pub fn deployment(&self, location: usize, at: Ms) -> usize {
        usize::from(at >= self.learns_at[location]) + usize::from(at >= self.drops_at[location])
    }

    /// Returns the secrets of a deployment, newest first.
    pub fn deployed_secrets(&self, deployment: usize) -> String {
        let [old, new] = &self.secrets;
        match deployment {
            0 => old.clone(),
            1 => format!("{new} {old}"),
            _ => new.clone(),
        }
    }

    /// Returns true if a location has a secret at a time.
    pub fn knows(&self, location: usize, secret: usize, at: Ms) -> bool {
        match self.deployment(location, at) {
            0 => secret == 0,
            1 => true,
            _ => secret == 1,
        }
    }

    /// Returns true if an event is outside the replay window at a time. An undated event never is.
    pub fn is_outside(&self, event: usize, at: Ms) -> bool {
        let event = &self.events[event];
        event.dated && at > event.created + TTL
    }
}
