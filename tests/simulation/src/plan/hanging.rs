//! Worlds in which sends hang for 57 s, at a load that would fill the six connections of an object.

use std::rc::Rc;

use fastrand::Rng;

use super::drawing::{event, shard};
use super::{AttackKind, Event, Plan, id};
use crate::clock::{HOUR, MINUTE, Ms};
use crate::fate::Fate;

/// How many of the sends of the first minutes hang.
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

    /// The kind of world that a seed is. Three of the first 60 are one of each kind, and so on after 300.
    fn of_seed(seed: u64) -> Option<Self> {
        match seed % 300 {
            10 => Some(Self::OnePercent),
            30 => Some(Self::FivePercent),
            50 => Some(Self::All),
            _ => None,
        }
    }
}

/// The events of the first minute, all of one object. Of 15 sends a second, 1 % that hang for 57 s are 8.5 at once.
const EVENTS: usize = 900;

/// The attempts that meet nothing but hung sends.
const FAIR_ATTEMPTS: usize = 2;

impl Plan {
    /// The same world, or one in which sends hang, if that is what the seed asks for. The first two attempts of each
    /// event are fair otherwise. Later ones meet what was drawn for them.
    pub fn hanging(mut self) -> Self {
        let Some(hanging) = HangingSends::of_seed(self.seed) else { return self };
        let rng = &mut Rng::with_seed(!self.seed);
        let of_one_shard = shard(&id(self.seed, 0));
        let ids = (0..).map(|number| id(self.seed, number)).filter(|id| shard(id) == of_one_shard);
        let events = ids.take(EVENTS).enumerate().map(|(position, id)| {
            let created = MINUTE * position as Ms / EVENTS as Ms;
            let hangs = (position + 1).is_multiple_of(100 / hanging.percent());
            let event = event(rng, id, created, self.locations, self.deadline);
            made_fair(event, hangs, hanging)
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
        for at in self.learns.iter_mut().chain(&mut self.drops) {
            *at = at.saturating_add(by);
        }
    }
}

fn made_fair(mut event: Event, hangs: bool, hanging: HangingSends) -> Event {
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
    fn the_first_60_seeds_hold_each_kind() {
        let worlds = (0..60).filter_map(|seed| Plan::draw(seed).hanging().hanging);
        assert_eq!(worlds.collect::<Vec<_>>(), HangingSends::ALL);
    }

    #[test]
    fn all_events_are_of_one_object_and_some_sends_hang() {
        let plan = Plan::draw(10).hanging();
        assert!(plan.events.iter().all(|event| event.shard == plan.events[0].shard));
        let hung = |event: &&Event| event.attempts[0].trip.fate.send == SendFate::HangsThenFails;
        assert_eq!(plan.events.iter().filter(hung).count(), EVENTS / 100);
    }
}
