//! Causes of duplicates in strict mode.

use super::{Acknowledgement, Cause, acknowledgement};
use crate::clock::Ms;
use crate::fate::CallFate;
use crate::history::Trail;
use crate::limits::{ROW_LIMIT, STEP};

/// Returns the cause, as [`super::cause`] defines it.
pub fn cause(earlier: &Trail, later: &Trail, interruptions: &[Ms]) -> Option<Cause> {
    let (sent, lease) = (earlier.sent?, earlier.lease?);
    let (look, granted) = (later.look?, later.lease?.at);
    if let Some(put) = &earlier.put
        && put.applied.is_some_and(|durable| durable <= granted)
    {
        return (put.ends <= look.at).then_some(Cause::Outside);
    }
    // No cause allows a lease while another delivery holds one.
    if granted < lease.over_at() {
        return None;
    }
    let interrupted = |from: Ms, to: Ms| interruptions.iter().any(|at| (from..=to).contains(at));
    let restarted = interrupted(lease.at, granted).then_some(Cause::Restarted);
    let acknowledged_at = match acknowledgement(earlier, sent) {
        Acknowledgement::Received(acknowledged_at) => acknowledged_at,
        // Until `since` the earlier delivery must hold the lease, so only an interruption allows a new one.
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
    let refused = never_arrives(earlier.fate.commit).then_some(Cause::MarkerRefused);
    let failure = restarted.or(refused);
    // After a failed commit the Worker must mark the event at once. Until the mark is durable, `failure` is the cause.
    match (put.failed, put.marked_again) {
        (None, _) => failure,
        (Some(failed), None) => failure.filter(|_| died.is_some_and(|died| died <= failed + STEP)),
        (Some(failed), Some(marked)) if marked > failed + STEP => None,
        (Some(_), Some(marked)) => failure.filter(|_| {
            let durable_by = marked + earlier.fate.call_there + ROW_LIMIT + STEP;
            granted <= durable_by
                || never_arrives(earlier.fate.mark_again)
                || interrupted(marked, durable_by)
        }),
    }
}

/// Returns true if a call never reaches the object.
fn never_arrives(call: CallFate) -> bool {
    matches!(call, CallFate::Lost | CallFate::Refused)
}
