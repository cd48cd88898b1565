//! Draws the events of a world and the attacks on it.

use std::rc::Rc;

use fastrand::Rng;

use super::{Attack, AttackKind, Attempt, DELAYS, Event, FORGERIES, TYPES, Trip};
use crate::clock::{HOUR, MINUTE, Ms, SECOND, timestamp};
use crate::fate::{Fate, one_in};

fn trip(rng: &mut Rng, locations: usize, deadline: Ms, home: Option<usize>) -> Trip {
    let location = home.unwrap_or_else(|| rng.usize(..locations));
    Trip { location, fate: Rc::new(Fate::draw(rng, locations, deadline)) }
}

pub fn event(rng: &mut Rng, seed: u64, number: usize, locations: usize, deadline: Ms) -> Event {
    let id = format!("evt_{seed}_{number}");
    // A burst, or some time within the first minutes.
    let created = if one_in(rng, 3) { 10 * SECOND + rng.u64(..20) } else { rng.u64(..3 * MINUTE) };
    let dated = !one_in(rng, 12);
    let home = one_in(rng, 3).then(|| rng.usize(..locations));
    // For so many attempts nothing comes of the send, so that late attempts count as well.
    let unlucky = if one_in(rng, 3) { rng.usize(..=DELAYS.len()) } else { 0 };
    let attempts = (0..=DELAYS.len()).map(|number| {
        let mut way = trip(rng, locations, deadline, home);
        if number < unlucky {
            way.fate = Rc::new((*way.fate).clone().without_queue(rng));
        }
        let later = if rng.bool() { 0 } else { rng.u64(..2 * SECOND) };
        let twin = (number >= unlucky && one_in(rng, 12))
            .then(|| (later, trip(rng, locations, deadline, home)));
        Attempt { trip: way, form: rng.usize(..2), twin }
    });
    let attempts = attempts.collect();
    let r#type = TYPES[rng.usize(..TYPES.len())];
    let date =
        if dated { format!(r#","createdAt":"{}""#, timestamp(created)) } else { String::new() };
    let bodies = vec![
        format!(r#"{{"eventId":"{id}","type":"{type}"{date},"data":{{"n":{number}}}}}"#).into(),
        format!("{{ \"data\": {{}}, \"type\": \"{type}\"{date}, \"eventId\": \"{id}\" }}\n").into(),
    ];
    let by_hand = rng.bool().then(|| rng.u64(MINUTE..22 * HOUR));
    Event { id, created, dated, bodies, attempts, by_hand }
}

pub fn attacks(rng: &mut Rng, events: &[Event], locations: usize, deadline: Ms) -> Vec<Attack> {
    let mut kinds: Vec<AttackKind> = FORGERIES.map(AttackKind::Forged).into();
    kinds.extend([AttackKind::SignedNoEvent; 2]);
    kinds.extend([AttackKind::Replayed; 6]);
    kinds.extend([AttackKind::ReplayedAtOnce; 3]);
    kinds.extend([AttackKind::ReplayedLate; 3]);
    let attack = |kind: AttackKind| {
        let event = rng.usize(..events.len());
        let created = events[event].created;
        let at = match kind {
            AttackKind::Forged(_) | AttackKind::SignedNoEvent => rng.u64(..6 * MINUTE),
            AttackKind::Replayed if rng.bool() => created + rng.u64(..4 * MINUTE),
            AttackKind::Replayed => created + rng.u64(..40 * HOUR),
            AttackKind::ReplayedAtOnce => created + rng.u64(..100),
            AttackKind::ReplayedLate => created + rng.u64(50 * HOUR..60 * HOUR),
        };
        let home = match kind {
            AttackKind::ReplayedAtOnce => {
                let first = events[event].attempts[0].trip.location;
                Some((first + rng.usize(1..locations)) % locations)
            }
            _ => None,
        };
        Attack { kind, event, at, trip: trip(rng, locations, deadline, home) }
    };
    kinds.into_iter().map(attack).collect()
}
