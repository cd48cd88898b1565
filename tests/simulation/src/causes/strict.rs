//! Causes of duplicates in strict mode.

use super::{Acknowledgement, Cause, ROW, STEP, acknowledgement};
use crate::clock::Ms;
use crate::fate::CallFate;
use crate::history::Trail;

pub fn cause(earlier: &Trail, later: &Trail, interruptions: &[Ms]) -> Option<Cause> {
    let (sent, lease) = (earlier.sent?, earlier.lease?);
    let (look, granted) = (later.look?, later.lease?.at);
    if let Some(put) = &earlier.put
        && put.applied.is_some_and(|durable| durable <= granted)
    {
        return (put.ends <= look.at).then_some(Cause::Outside);
    }
    // No lease is granted while another one is out.
    if granted < lease.over() {
        return None;
    }
    let interrupted = |from: Ms, to: Ms| interruptions.iter().any(|at| (from..=to).contains(at));
    let restarted = interrupted(lease.at, granted).then_some(Cause::Restarted);
    let acknowledged_at = match acknowledgement(earlier, sent) {
        Acknowledgement::Received(acknowledged_at) => acknowledged_at,
        // Before that it ought to have the lease still.
        Acknowledgement::Missed { since, .. } if granted < since => return restarted,
        Acknowledgement::Missed { cause, .. } => return Some(cause),
    };
    if granted <= acknowledged_at {
        return restarted;
    }
    let died = earlier.isolate_died();
    let Some(put) = &earlier.put else {
        return died.filter(|died| *died <= acknowledged_at + STEP).map(|_| Cause::Died);
    };
    if put.at > acknowledged_at + STEP {
        return None;
    }
    let refused = is_refused(earlier.fate.commit).then_some(Cause::MarkerRefused);
    let failure = restarted.or(refused);
    // A commit that has failed is followed by a mark. Until that is durable, the failure is the cause.
    match (put.failed, put.marked_again) {
        (None, _) => failure,
        (Some(failed), None) => failure.filter(|_| died.is_some_and(|died| died <= failed + STEP)),
        (Some(failed), Some(marked)) if marked > failed + STEP => None,
        (Some(_), Some(marked)) => failure.filter(|_| {
            let durable = marked + earlier.fate.call_there + ROW + STEP;
            granted <= durable || is_refused(earlier.fate.remark) || interrupted(marked, durable)
        }),
    }
}

/// Returns whether a call never does what it is for.
fn is_refused(call: CallFate) -> bool {
    matches!(call, CallFate::Lost | CallFate::Refused)
}
