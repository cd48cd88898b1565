//! Draws the events of a world and the attacks on it.

use std::rc::Rc;

use cronozen_gateway::dedupe::shard::shard_of;
use cronozen_webhook::event::EventId;
use fastrand::Rng;

use super::{Attack, AttackKind, Attempt, DELAYS, Event, FORGERIES, TYPES, Trip};
use crate::clock::{HOUR, MINUTE, Ms, SECOND, timestamp};
use crate::fate::{Fate, one_in};

fn trip(rng: &mut Rng, locations: usize, deadline: Ms, home: Option<usize>) -> Trip {
    let location = home.unwrap_or_else(|| rng.usize(..locations));
    Trip { location, fate: Rc::new(Fate::draw(rng, locations, deadline)) }
}

/// Draws the time at which an event is created: in a burst, or at any time in the first 3 minutes.
pub fn created(rng: &mut Rng) -> Ms {
    if one_in(rng, 3) { 10 * SECOND + rng.u64(..20) } else { rng.u64(..3 * MINUTE) }
}

/// Returns the object that an id belongs to.
pub fn shard(id: &str) -> usize {
    shard_of(&EventId::new(id.to_owned()).expect("an id")).into()
}

pub fn event(rng: &mut Rng, id: String, created: Ms, locations: usize, deadline: Ms) -> Event {
    let dated = !one_in(rng, 12);
    let home = one_in(rng, 3).then(|| rng.usize(..locations));
    // The number of first attempts whose sends store nothing, so that late attempts matter as well.
    let failing = if one_in(rng, 3) { rng.usize(..=DELAYS.len()) } else { 0 };
    let attempts = (0..=DELAYS.len()).map(|number| {
        let mut own_trip = trip(rng, locations, deadline, home);
        if number < failing {
            own_trip.fate = Rc::new((*own_trip.fate).clone().without_queue(rng));
        }
        let twin_count = if number >= failing && one_in(rng, 12) { twin_count(rng) } else { 0 };
        let twins = (0..twin_count).map(|_| {
            let later = if rng.bool() { 0 } else { rng.u64(..2 * SECOND) };
            (later, trip(rng, locations, deadline, home))
        });
        let twins = twins.collect();
        Attempt { trip: own_trip, form: rng.usize(..2), twins }
    });
    let attempts = attempts.collect();
    let r#type = TYPES[rng.usize(..TYPES.len())];
    let date =
        if dated { format!(r#","createdAt":"{}""#, timestamp(created)) } else { String::new() };
    let bodies = vec![
        format!(r#"{{"eventId":"{id}","type":"{type}"{date},"data":{{"n":{created}}}}}"#).into(),
        format!("{{ \"data\": {{}}, \"type\": \"{type}\"{date}, \"eventId\": \"{id}\" }}\n").into(),
    ];
    let by_hand = rng.bool().then(|| rng.u64(MINUTE..22 * HOUR));
    Event { shard: shard(&id), id, created, dated, bodies, attempts, by_hand }
}

/// Draws the number of an attempt's twins: mostly one, and sometimes enough that several wait for the lease.
fn twin_count(rng: &mut Rng) -> usize {
    if one_in(rng, 3) { rng.usize(2..9) } else { 1 }
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
