//! Worlds in which sends hang for 57 s, at a load that would use up the six connections of an object.

use std::rc::Rc;

use fastrand::Rng;

use super::drawing::{event, shard};
use super::{AttackKind, Event, Plan, id};
use crate::clock::{HOUR, MINUTE, Ms};
use crate::fate::Fate;

/// The share of the sends of the first minutes that hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HangingSends {
    OnePercent,
    FivePercent,
    All,
}

impl HangingSends {
    pub const ALL: [Self; 3] = [Self::OnePercent, Self::FivePercent, Self::All];

    pub fn percent(self) -> usize {
        match self {
            Self::OnePercent => 1,
            Self::FivePercent => 5,
            Self::All => 100,
        }
    }

    /// Returns the share for the world of a seed. Returns `None` if its sends do not hang. The first 60 of every 300
    /// seeds include one world of each share.
    fn of_seed(seed: u64) -> Option<Self> {
        match seed % 300 {
            10 => Some(Self::OnePercent),
            30 => Some(Self::FivePercent),
            50 => Some(Self::All),
            _ => None,
        }
    }
}

/// The number of events in the first minute, all of one object: 15 sends a second. If 1 % of them hang for 57 s, 8.5
/// hang at once.
const EVENTS: usize = 900;

/// The number of first attempts that meet no fault except a send that hangs.
const FAIR_ATTEMPTS: usize = 2;

impl Plan {
    /// Returns the plan of a world in which sends hang, or the unchanged plan if the seed has no such world. Apart from
    /// the sends, the first two attempts of each event are fair. Later attempts keep the fates drawn for them.
    pub fn hanging(mut self) -> Self {
        let Some(hanging) = HangingSends::of_seed(self.seed) else { return self };
        let rng = &mut Rng::with_seed(!self.seed);
        let first_shard = shard(&id(self.seed, 0));
        let ids = (0..).map(|number| id(self.seed, number)).filter(|id| shard(id) == first_shard);
        let events = ids.take(EVENTS).enumerate().map(|(position, id)| {
            let created = MINUTE * position as Ms / EVENTS as Ms;
            let hangs = (position + 1).is_multiple_of(100 / hanging.percent());
            let event = event(rng, id, created, self.locations, self.deadline);
            make_fair(event, hangs, hanging)
        });
        self.events = events.collect();
        self.hanging = Some(hanging);
        self.queue_outages.clear();
        self.look_outages.iter_mut().for_each(Vec::clear);
        self.write_limits.clear();
        self.restarts.clear();
        self.attacks.retain(|attack| matches!(attack.kind, AttackKind::Forged(_)));
        self.delay_rotation(HOUR);
        self
    }

    fn delay_rotation(&mut self, by: Ms) {
        self.rotated += by;
        for at in self.learns_at.iter_mut().chain(&mut self.drops_at) {
            *at = at.saturating_add(by);
        }
    }
}

fn make_fair(mut event: Event, hangs: bool, hanging: HangingSends) -> Event {
    for (number, attempt) in event.attempts.iter_mut().take(FAIR_ATTEMPTS).enumerate() {
        attempt.twins.clear();
        let mut fate = Fate::clone(&attempt.trip.fate).made_fair();
        if hangs && (number == 0 || hanging == HangingSends::All) {
            fate = fate.with_hung_send();
        }
        attempt.trip.fate = Rc::new(fate);
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fate::SendFate;

    #[test]
    fn the_first_60_seeds_include_each_kind_once() {
        let worlds = (0..60).filter_map(|seed| Plan::draw(seed).hanging().hanging);
        assert_eq!(worlds.collect::<Vec<_>>(), HangingSends::ALL);
    }

    #[test]
    fn all_events_are_of_one_object_and_one_percent_of_sends_hang() {
        let plan = Plan::draw(10).hanging();
        assert!(plan.events.iter().all(|event| event.shard == plan.events[0].shard));
        let hung = |event: &&Event| event.attempts[0].trip.fate.send == SendFate::HangsThenFails;
        assert_eq!(plan.events.iter().filter(hung).count(), EVENTS / 100);
    }
}
