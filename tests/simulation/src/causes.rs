//! Why an event was queued once more: a pure function of two trails.

use crate::clock::Ms;
use crate::ledger::Trail;
use crate::life::AFTER_ANSWER;
use crate::plan::Mode;

/// One scheduling step: what happens in the same one has no order.
pub const STEP: Ms = 1;

/// A flight is given up 90 s after its delivery arrived at the Worker.
pub const FLIGHT: Ms = 90_000;

/// An object's row is durable so soon after it is written.
pub const ROW: Ms = 8;

/// Why a delivery could not know of an earlier copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    AtOnce,
    StoredUnacknowledged,
    Died,
    MarkerRefused,
    NotVisible,
    LookInDoubt,
    Restarted,
    Outside,
}

impl Cause {
    pub const ALL: [Self; 8] = [
        Self::AtOnce,
        Self::NotVisible,
        Self::StoredUnacknowledged,
        Self::LookInDoubt,
        Self::MarkerRefused,
        Self::Died,
        Self::Restarted,
        Self::Outside,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::AtOnce => "two deliveries at once",
            Self::StoredUnacknowledged => "stored, not acknowledged in time",
            Self::Died => "isolate died between send and mark",
            Self::MarkerRefused => "marker refused",
            Self::NotVisible => "marker not visible yet",
            Self::LookInDoubt => "look-up in doubt",
            Self::Restarted => "object restarted between send and insert",
            Self::Outside => "outside the replay window",
        }
    }

    /// Whether the design allows it in this mode.
    pub fn applies(self, mode: Mode) -> bool {
        match self {
            Self::StoredUnacknowledged | Self::Outside => true,
            Self::Restarted => mode == Mode::Strict,
            _ => mode == Mode::Kv,
        }
    }
}

/// Why `later`, which has sent the event again, could not know what `earlier` had sent. None if it could
/// have known.
pub fn cause(mode: Mode, deadline: Ms, earlier: &Trail, later: &Trail) -> Option<Cause> {
    match mode {
        Mode::Kv => kv(earlier, later),
        Mode::Strict => strict(deadline, earlier, later),
    }
}

fn kv(earlier: &Trail, later: &Trail) -> Option<Cause> {
    let (sent, look) = (earlier.sent?, later.look?);
    if look.in_doubt {
        return Some(Cause::LookInDoubt);
    }
    let (answered, died) = (earlier.answered.map(|(at, _)| at), earlier.isolate_died());
    // While the earlier delivery had no end that its sender could see, the two were there at once.
    let ended = [answered, died].into_iter().flatten().min();
    let at_once_or = |cause| {
        Some(if ended.is_none_or(|ended| look.at <= ended) { Cause::AtOnce } else { cause })
    };
    let heard = sent.acknowledged.filter(|at| {
        let alive = died.is_none_or(|died| *at <= died);
        alive && answered.is_none_or(|answered| *at < answered + AFTER_ANSWER)
    });
    let Some(heard) = heard else { return at_once_or(Cause::StoredUnacknowledged) };
    if look.at <= heard {
        return at_once_or(Cause::StoredUnacknowledged);
    }
    let Some(put) = &earlier.put else {
        return died.filter(|died| *died <= heard + STEP).map(|_| Cause::Died);
    };
    if put.at > heard + STEP {
        return None;
    }
    // Until 30 s after the answer there is no need to leave a put to its fate.
    let end = answered.map_or(Ms::MAX, |answered| answered + AFTER_ANSWER);
    if put.dropped.is_some_and(|dropped| dropped < end) {
        return None;
    }
    let Some(applied) = put.applied else { return Some(Cause::MarkerRefused) };
    if look.at <= applied {
        return at_once_or(Cause::NotVisible);
    }
    if put.ends <= look.at {
        return Some(Cause::Outside);
    }
    (look.as_of <= put.visible[later.location]).then_some(Cause::NotVisible)
}

fn strict(deadline: Ms, earlier: &Trail, later: &Trail) -> Option<Cause> {
    let (sent, entered, look) = (earlier.sent?, earlier.entered?, later.look?);
    if let Some(put) = &earlier.put
        && let Some(durable) = put.applied
        && durable <= look.at
    {
        return (put.ends <= look.at).then_some(Cause::Outside);
    }
    if sent.failed.is_some_and(|failed| failed <= look.at) {
        return Some(Cause::StoredUnacknowledged);
    }
    if let Some(died) = earlier.object_died().filter(|died| *died <= look.at) {
        // An acknowledgement that a living object had heard long before should have become a row.
        let excused = sent.acknowledged.is_none_or(|heard| died <= heard + ROW + STEP);
        return excused.then_some(Cause::Restarted);
    }
    // The flight has been given up. Only then may another one begin.
    (look.at + deadline >= entered + FLIGHT).then_some(Cause::StoredUnacknowledged)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::fate::Fate;
    use crate::ledger::{Kind, Look, Put, Sent};

    const DEADLINE: Ms = 4000;

    /// Sent by 100, acknowledged at 120, marked at 130, and seen at location 1 from 60,000 on.
    fn delivery(location: usize, looks: Ms) -> Trail {
        Trail {
            kind: Kind::ByHand,
            event: 0,
            secret: Some(0),
            location,
            fate: Rc::new(Fate::draw(&mut fastrand::Rng::with_seed(0), 2, DEADLINE)),
            arrived: Some(looks),
            isolate: None,
            answered: Some((looks + 150, 202)),
            entered: Some(looks),
            object: None,
            look: Some(Look { at: looks, as_of: looks, in_doubt: false }),
            sent: Some(Sent {
                at: looks + 100,
                stored: Some(looks + 110),
                acknowledged: Some(looks + 120),
                failed: None,
            }),
            put: Some(Put {
                at: looks + 120,
                applied: Some(looks + 130),
                dropped: None,
                visible: vec![looks + 130, looks + 60_000],
                ends: looks + 1_000_000,
            }),
        }
    }

    fn in_kv(later: Trail, change: impl FnOnce(&mut Trail)) -> Option<Cause> {
        let mut earlier = delivery(0, 0);
        change(&mut earlier);
        cause(Mode::Kv, DEADLINE, &earlier, &later)
    }

    #[test]
    fn kv() {
        let unchanged = |_: &mut Trail| {};
        assert_eq!(in_kv(delivery(0, 40_000), unchanged), None);
        assert_eq!(in_kv(delivery(1, 60_001), unchanged), None);
        assert_eq!(in_kv(delivery(1, 40_000), unchanged), Some(Cause::NotVisible));
        assert_eq!(in_kv(delivery(0, 120), unchanged), Some(Cause::AtOnce));
        assert_eq!(in_kv(delivery(0, 1_000_130), unchanged), Some(Cause::Outside));
        let mut doubtful = delivery(0, 40_000);
        doubtful.look = doubtful.look.map(|look| Look { in_doubt: true, ..look });
        assert_eq!(in_kv(doubtful, unchanged), Some(Cause::LookInDoubt));
        let mut cached = delivery(1, 60_010);
        cached.look = cached.look.map(|look| Look { as_of: 59_000, ..look });
        assert_eq!(in_kv(cached, unchanged), Some(Cause::NotVisible));
    }

    #[test]
    fn kv_with_a_send_or_a_marker_that_went_wrong() {
        let later = || delivery(0, 40_000);
        let acknowledged = |at| {
            move |trail: &mut Trail| {
                trail.sent = trail.sent.map(|sent| Sent { acknowledged: at, ..sent });
            }
        };
        assert_eq!(in_kv(later(), acknowledged(None)), Some(Cause::StoredUnacknowledged));
        assert_eq!(in_kv(later(), acknowledged(Some(31_000))), Some(Cause::StoredUnacknowledged));
        // A late commit that is left out is no excuse.
        let mut without = delivery(0, 0);
        acknowledged(Some(6000))(&mut without);
        without.put = None;
        assert_eq!(cause(Mode::Kv, DEADLINE, &without, &later()), None);
        assert_eq!(in_kv(later(), |trail| trail.put = None), None);
        let refused = |trail: &mut Trail| {
            trail.put = trail.put.clone().map(|put| Put { applied: None, ..put });
        };
        assert_eq!(in_kv(later(), refused), Some(Cause::MarkerRefused));
    }

    #[test]
    fn strict() {
        let later = |at| delivery(1, at);
        let given = |change: fn(&mut Trail), at| {
            let mut earlier = delivery(0, 0);
            change(&mut earlier);
            cause(Mode::Strict, DEADLINE, &earlier, &later(at))
        };
        // At once or not: there is one flight.
        for at in [0, 50, 125, 40_000] {
            assert_eq!(given(|_| {}, at), None, "{at}");
        }
        assert_eq!(given(|_| {}, 1_000_000), Some(Cause::Outside));
        let hung = |trail: &mut Trail| {
            trail.sent = trail.sent.map(|sent| Sent { acknowledged: None, ..sent });
            trail.put = None;
        };
        assert_eq!(given(hung, 40_000), None);
        assert_eq!(given(hung, 90_000), Some(Cause::StoredUnacknowledged));
    }
}
