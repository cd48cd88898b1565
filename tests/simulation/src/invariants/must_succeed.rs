//! Invariant 4: an attempt that nothing stands in the way of brings its event into the queue.

use std::ptr;

use super::{Check, ROUNDING};
use crate::causes::{ROW, STEP};
use crate::clock::Ms;
use crate::fate::{CallFate, SendFate};
use crate::history::{Kind, Trail};
use crate::plan::Mode;

/// The send must be acknowledged so long before the deadline.
const MARK_WAIT: Ms = 250;

impl Check<'_> {
    /// 4, at the end of the first attempt that must succeed rather than in the end.
    pub(super) fn required_is_queued(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let Some(arrived) = trail.arrived else { return };
        if !self.must_succeed(trail, arrived) {
            return;
        }
        self.findings.must_succeed += 1;
        if !self.is_queued(trail.event, arrived + self.plan.deadline) {
            self.violated(4, delivery, "nothing stood in its way, not in the queue");
        }
    }

    /// Returns whether a true attempt must bring its event into the queue: by what was drawn for it, by who lived,
    /// and, in strict mode, by when it had the lease. Not by what the code made of it. The sends of other events are
    /// no excuse.
    fn must_succeed(&self, trail: &Trail, arrived: Ms) -> bool {
        let deadline = self.plan.deadline;
        let end = arrived + deadline + ROUNDING;
        let (Some(body), SendFate::Works(send)) = (trail.fate.body.takes(), trail.fate.send) else {
            return false;
        };
        let acquired = match self.mode {
            Mode::Kv => Some(arrived + body + deadline.div_ceil(8)),
            Mode::Strict => self.has_its_lease(trail, arrived + body).filter(|at| {
                // It waits for the lease until half of its deadline has passed.
                at + ROUNDING < arrived + deadline / 2
            }),
        };
        let Some(acquired) = acquired else { return false };
        let refused = self.plan.refuse && self.plan.is_outside(trail.event, end);
        let outage = self.plan.queue_outages.iter().any(|outage| outage.overlaps(arrived, end));
        !matches!(trail.kind, Kind::Attack(_))
            && self.is_verifiable(trail, arrived)
            && trail.isolate_died().is_none_or(|died| died > end)
            && body + ROUNDING < deadline * 3 / 8
            && acquired + send + ROUNDING + MARK_WAIT < arrived + deadline
            && !refused
            && !outage
    }

    /// Returns when a delivery that asks at a time ought to have the lease. None if nothing was to come of its request,
    /// if its object ended before it had answered, or if another delivery had the lease for too long.
    fn has_its_lease(&self, trail: &Trail, asks: Ms) -> Option<Ms> {
        let CallFate::Works { back } = trail.fate.acquire else { return None };
        let entered = trail.entered.unwrap_or(asks + trail.fate.call_there);
        let mut others = self
            .history
            .trails
            .iter()
            .filter(|other| other.event == trail.event && !ptr::eq(*other, trail));
        let leased = others.any(|other| {
            other.lease.is_some_and(|lease| lease.at <= entered && entered <= lease.over())
        });
        let granted = if leased { trail.lease?.at } else { entered };
        let answered = granted + ROW + STEP;
        let ends = self.interruptions(trail.event);
        let ended = ends.iter().any(|at| (entered..=answered).contains(at));
        (!ended).then_some(answered + back)
    }
}
