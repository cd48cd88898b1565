//! Invariant 6: a lease ends when its holder no longer needs it, and the first delivery that waits gets the next lease.
//!
//! [`crate::lease_audit`] checks who gets the next lease while the world runs.

use super::Check;
use crate::clock::Ms;
use crate::fate::CallFate;
use crate::history::Trail;
use crate::limits::{ROUNDING, ROW_LIMIT, STEP, WORK_LIMIT};

impl Check<'_> {
    /// Invariant 6: the models saw no rule broken while the world ran.
    pub(super) fn models_saw_no_broken_rule(&mut self) {
        for (delivery, what) in &self.history.broken_rules {
            self.violated(6, *delivery, what);
        }
    }

    /// Invariant 6: the Worker disposes of a lease in time.
    pub(super) fn lease_is_disposed_of(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let (Some(lease), Some(last_use)) = (trail.lease, last_use(trail)) else { return };
        let back = match trail.fate.acquire {
            CallFate::Works { back } => back,
            _ => trail.fate.call_there,
        };
        let departure = lease.at + ROW_LIMIT + STEP;
        if lease.ended.is_some_and(|ended| ended <= departure) {
            // The object ended before the lease left it.
            return;
        }
        let latest = last_use.max(departure + back) + ROUNDING;
        if lease.disposed.is_none_or(|disposed| disposed > latest) {
            self.violated(6, delivery, format_args!("it kept its lease after {latest}"));
        }
    }
}

/// Returns the latest time at which a delivery needs its lease. Returns `None` if the delivery was not answered and its
/// isolate lives.
fn last_use(trail: &Trail) -> Option<Ms> {
    let end_of_work = trail.answered.map(|(answered, _)| match trail.sent {
        None => answered,
        Some(sent) => {
            let given_up = trail.arrived.map_or(Ms::MAX, |arrived| arrived + WORK_LIMIT);
            sent.failed.unwrap_or(Ms::MAX).min(given_up).max(answered)
        }
    });
    end_of_work.into_iter().chain(trail.isolate_died()).min()
}
