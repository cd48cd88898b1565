//! Causes of duplicates in KV mode.

use super::{Acknowledgement, Cause, acknowledgement};
use crate::clock::Ms;
use crate::history::Trail;
use crate::limits::{STEP, WORK_LIMIT};

pub fn cause(earlier: &Trail, later: &Trail) -> Option<Cause> {
    let (sent, look) = (earlier.sent?, later.look?);
    if look.in_doubt {
        return Some(Cause::LookInDoubt);
    }
    let (answered, died) = (earlier.answered.map(|(at, _)| at), earlier.isolate_died());
    // Until the earlier delivery is answered or its isolate dies, the two run at once.
    let end = [answered, died].into_iter().flatten().min();
    let at_once_or =
        |cause| Some(if end.is_none_or(|end| look.at <= end) { Cause::AtOnce } else { cause });
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
    // Until 28 s after the arrival the Worker has no reason to stop waiting for its put.
    let latest = earlier.arrived.map_or(Ms::MAX, |arrived| arrived + WORK_LIMIT);
    if put.dropped.is_some_and(|dropped| dropped < latest) {
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
