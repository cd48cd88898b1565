//! Invariant 6: a lease ends when its holder has no more use for it, and passes to the first that waits.
//!
//! The passing on is judged as it happens, by [`crate::lease_audit`].

use super::{Check, ROUNDING};
use crate::causes::{LATE, ROW, STEP};
use crate::clock::Ms;
use crate::fate::CallFate;
use crate::history::Trail;

impl Check<'_> {
    /// 6, as far as the models saw it happen.
    pub(super) fn models_saw_nothing_wrong(&mut self) {
        for (delivery, what) in &self.history.broken_rules {
            self.violated(6, *delivery, what);
        }
    }

    /// 6: its Worker lets go of a lease.
    pub(super) fn lease_is_let_go(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let (Some(lease), Some(done)) = (trail.lease, done(trail)) else { return };
        let back = match trail.fate.acquire {
            CallFate::Works { back } => back,
            _ => trail.fate.call_there,
        };
        let leaves = lease.at + ROW + STEP;
        if lease.ended.is_some_and(|ended| ended <= leaves) {
            // The object ended before the lease had left it.
            return;
        }
        let latest = done.max(leaves + back) + ROUNDING;
        if lease.disposed.is_none_or(|disposed| disposed > latest) {
            self.violated(6, delivery, format_args!("it kept its lease after {latest}"));
        }
    }
}

/// When a delivery has no more use for a lease, at the latest.
fn done(trail: &Trail) -> Option<Ms> {
    let given_up = trail.answered.map(|(answered, _)| match trail.sent {
        None => answered,
        Some(sent) => {
            let given_up = trail.arrived.map_or(Ms::MAX, |arrived| arrived + LATE);
            sent.failed.unwrap_or(Ms::MAX).min(given_up).max(answered)
        }
    });
    given_up.into_iter().chain(trail.isolate_died()).min()
}
