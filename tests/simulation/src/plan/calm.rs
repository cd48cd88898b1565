//! The same world on an ordinary day, to see how rare duplicates are then.

use std::rc::Rc;

use fastrand::Rng;

use super::{AttackKind, Plan};
use crate::fate::{Fate, one_in};

/// Of so many fates that were drawn one comes true; the others are fair.
const RARE: u32 = 100;

impl Plan {
    /// Without outages, deployments of objects and replays. One attempt in a hundred meets its fate, and
    /// one in a hundred of those that were to be sent twice is.
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
