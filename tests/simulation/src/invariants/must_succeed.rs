//! Invariant 4: an attempt brings its event into the queue if nothing prevents that.

use std::ptr;

use super::Check;
use crate::clock::Ms;
use crate::fate::{CallFate, SendFate};
use crate::history::{Kind, Trail};
use crate::limits::{ROUNDING, ROW_LIMIT, STEP};
use crate::plan::Mode;

/// The part of the deadline that is left for the marker after the send is acknowledged.
const MARK_WAIT: Ms = 250;

impl Check<'_> {
    /// Invariant 4, checked at the deadline of each attempt that must succeed, not at the end of the world.
    pub(super) fn required_attempt_is_queued(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let Some(arrived) = trail.arrived else { return };
        if !self.must_succeed(trail, arrived) {
            return;
        }
        self.findings.must_succeed += 1;
        if !self.is_queued(trail.event, arrived + self.plan.deadline) {
            self.violated(4, delivery, "nothing prevented it, but its event is not in the queue");
        }
    }

    /// Returns true if an attempt of the sender must bring its event into the queue. That depends on the attempt's
    /// fate, the plan, the lives of isolates and objects and, in strict mode, the time of its lease. It depends neither
    /// on the gateway's other work for the attempt nor on the sends of other events.
    fn must_succeed(&self, trail: &Trail, arrived: Ms) -> bool {
        let deadline = self.plan.deadline;
        let end = arrived + deadline + ROUNDING;
        let (Some(body), SendFate::Works(send)) = (trail.fate.body.takes(), trail.fate.send) else {
            return false;
        };
        let send_at = match self.mode {
            // A look-up takes at most an eighth of the deadline.
            Mode::Kv => Some(arrived + body + deadline.div_ceil(8)),
            Mode::Strict => self.lease_time(trail, arrived + body).filter(|at| {
                // A delivery waits for the lease until half of its deadline has passed.
                at + ROUNDING < arrived + deadline / 2
            }),
        };
        let Some(send_at) = send_at else { return false };
        let refused = self.plan.refuses_old && self.plan.is_outside(trail.event, end);
        let outage = self.plan.queue_outages.iter().any(|outage| outage.overlaps(arrived, end));
        !matches!(trail.kind, Kind::Attack(_))
            && self.is_verifiable(trail, arrived)
            && trail.isolate_died().is_none_or(|died| died > end)
            // The gateway gives up a body that takes longer.
            && body + ROUNDING < deadline * 3 / 8
            && send_at + send + ROUNDING + MARK_WAIT < arrived + deadline
            && !refused
            && !outage
    }

    /// Returns the time by which a delivery that requests the lease at `asked` must have the lease. Returns `None` if its
    /// fate lets the request fail, if the object ended before it answered, or if the delivery never got the lease
    /// because another one held it.
    fn lease_time(&self, trail: &Trail, asked: Ms) -> Option<Ms> {
        let CallFate::Works { back } = trail.fate.acquire else { return None };
        let entered = trail.entered.unwrap_or(asked + trail.fate.call_there);
        let mut others = self
            .history
            .trails
            .iter()
            .filter(|other| other.event == trail.event && !ptr::eq(*other, trail));
        let held_by_other = others.any(|other| {
            other.lease.is_some_and(|lease| lease.at <= entered && entered <= lease.over_at())
        });
        let granted = if held_by_other { trail.lease?.at } else { entered };
        // Rows that are not durable yet delay the object's answer.
        let answered = granted + ROW_LIMIT + STEP;
        let interruptions = self.interruptions(trail.event);
        let interrupted = interruptions.iter().any(|at| (entered..=answered).contains(at));
        (!interrupted).then_some(answered + back)
    }
}
