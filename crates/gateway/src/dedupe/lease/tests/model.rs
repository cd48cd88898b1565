//! A slow and simple model of the lease table, for the test of random calls and for the fuzz target `lease`.

use super::*;

/// A caller that waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModelWaiter {
    pub(super) event: usize,
    pub(super) until: Timestamp,
    pub(super) caller: usize,
}

/// The same rules as the table's, on plain lists that are searched from the front.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The event, the lease and its end, in the order of the grants.
    pub(super) leases: Vec<(usize, LeaseId, Timestamp)>,
    pub(super) waiting: Vec<ModelWaiter>,
    /// The number of the next lease: the number of grants so far, in a table of generation 0.
    pub(super) granted: u64,
}

impl Model {
    fn grant(&mut self, event: usize, now: Timestamp) -> Decision {
        let lease = LeaseId::from_number(self.granted);
        self.granted += 1;
        self.leases.push((event, lease, now.plus(MAX_LEASE)));
        Decision::Lease(lease)
    }

    pub(super) fn end(&mut self, lease: LeaseId, now: Timestamp, decisions: &mut Decisions<usize>) {
        let Some(position) = self.leases.iter().position(|(_, other, _)| *other == lease) else {
            return;
        };
        let (event, ..) = self.leases.remove(position);
        while let Some(first) = self.waiting.iter().position(|waiting| waiting.event == event) {
            let ModelWaiter { until, caller, .. } = self.waiting.remove(first);
            if now < until {
                let decision = self.grant(event, now);
                decisions.push((caller, decision));
                return;
            }
            decisions.push((caller, Decision::WaitEnded));
        }
    }

    fn sweep(&mut self, now: Timestamp, decisions: &mut Decisions<usize>) {
        let ended: Vec<LeaseId> = self
            .leases
            .iter()
            .filter(|(.., end)| *end <= now)
            .map(|(_, lease, _)| *lease)
            .collect();
        for lease in ended {
            self.end(lease, now, decisions);
        }
    }

    /// Returns true if no further caller may wait for the event.
    fn is_full(&self, event: usize) -> bool {
        let event_waiters = self.waiting.iter().filter(|waiting| waiting.event == event).count();
        event_waiters >= MAX_EVENT_WAITERS || self.waiting.len() >= MAX_WAITERS
    }

    pub(super) fn acquire(&mut self, waiting: ModelWaiter, now: Timestamp) -> Decisions<usize> {
        let mut decisions = Vec::new();
        self.sweep(now, &mut decisions);
        let ModelWaiter { event, caller, .. } = waiting;
        if self.leases.iter().all(|(other, ..)| *other != event) {
            let decision = self.grant(event, now);
            decisions.push((caller, decision));
            return decisions;
        }
        if self.is_full(event) {
            let (remaining, ended) = self.waiting.iter().partition(|waiting| now < waiting.until);
            self.waiting = remaining;
            let ended: Vec<ModelWaiter> = ended;
            decisions.extend(ended.iter().map(|ended| (ended.caller, Decision::WaitEnded)));
        }
        if self.is_full(event) {
            decisions.push((caller, Decision::TooManyWaiters));
        } else {
            self.waiting.push(waiting);
        }
        decisions
    }

    pub(super) fn commit(&mut self, event: usize, lease: Option<LeaseId>) -> Decisions<usize> {
        let (answered, others) = self.waiting.iter().partition(|waiting| waiting.event == event);
        self.waiting = others;
        self.leases.retain(|(other, held, _)| *other != event || Some(*held) != lease);
        let answered: Vec<ModelWaiter> = answered;
        answered.iter().map(|waiting| (waiting.caller, Decision::Duplicate)).collect()
    }
}

/// Puts the ended waits first, sorted by caller, because the table ends them in the order of its hash map. The other
/// decisions keep their order.
pub(super) fn normalise(mut decisions: Decisions<usize>) -> Decisions<usize> {
    let ended = |decision: &Decision| *decision == Decision::WaitEnded;
    decisions.sort_by_key(|(caller, decision)| if ended(decision) { (0, *caller) } else { (1, 0) });
    decisions
}
