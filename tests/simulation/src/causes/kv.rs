//! Causes of duplicates over Workers KV.

use super::{Acknowledgement, Cause, LATE, STEP, acknowledgement};
use crate::clock::Ms;
use crate::history::Trail;

pub fn cause(earlier: &Trail, later: &Trail) -> Option<Cause> {
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
    let acknowledged_at = match acknowledgement(earlier, sent) {
        Acknowledgement::Received(acknowledged_at) => acknowledged_at,
        Acknowledgement::Missed { cause, .. } => return at_once_or(cause),
    };
    if look.at <= acknowledged_at {
        return at_once_or(Cause::StoredUnacknowledged);
    }
    let Some(put) = &earlier.put else {
        return died.filter(|died| *died <= acknowledged_at + STEP).map(|_| Cause::Died);
    };
    if put.at > acknowledged_at + STEP {
        return None;
    }
    // Until 28 s after the arrival there is no need to leave a put to its fate.
    let end = earlier.arrived.map_or(Ms::MAX, |arrived| arrived + LATE);
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
