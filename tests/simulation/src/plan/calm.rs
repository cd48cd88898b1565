//! Calm worlds: plans in which most faults are removed, to show how rare duplicates are on an ordinary day.

use std::rc::Rc;

use fastrand::Rng;

use super::{AttackKind, Plan};
use crate::fate::{Fate, one_in};

/// The plan keeps one in this many of the drawn fates and twins.
const RARE: u32 = 100;

impl Plan {
    /// Returns the plan without outages and deployments of objects. The only attacks are forgeries. One attempt in a
    /// hundred keeps its fate, and the others are fair. One twin in a hundred remains.
    pub fn calm(mut self) -> Self {
        let rng = &mut Rng::with_seed(!self.seed);
        for attempt in self.events.iter_mut().flat_map(|event| &mut event.attempts) {
            attempt.twins.retain(|_| one_in(rng, RARE));
            if !one_in(rng, RARE) {
                attempt.trip.fate = Rc::new(Fate::clone(&attempt.trip.fate).made_fair());
            }
        }
        self.queue_outages.clear();
        self.look_outages.iter_mut().for_each(Vec::clear);
        self.write_limits.clear();
        self.restarts.clear();
        self.attacks.retain(|attack| matches!(attack.kind, AttackKind::Forged(_)));
        self
    }
}
