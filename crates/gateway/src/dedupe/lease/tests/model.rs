//! A test of the lease table against a slow and simple model.

use proptest::prelude::*;

use super::*;

/// A caller that waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ModelWaiter {
    event: usize,
    until: Timestamp,
    caller: usize,
}

/// The same rules as the table's, on plain lists that are searched from the front.
#[derive(Debug, Default)]
struct Model {
    /// The event, the lease and its end, in the order of the grants.
    leases: Vec<(usize, LeaseId, Timestamp)>,
    waiting: Vec<ModelWaiter>,
    /// The number of grants so far, and so the number of the next lease.
    granted: u64,
}

impl Model {
    fn grant(&mut self, event: usize, now: Timestamp) -> Decision {
        let lease = LeaseId::from_number(self.granted);
        self.granted += 1;
        self.leases.push((event, lease, now.plus(MAX_LEASE)));
        Decision::Lease(lease)
    }

    fn end(&mut self, lease: LeaseId, now: Timestamp, decisions: &mut Decisions<usize>) {
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

    fn acquire(&mut self, waiting: ModelWaiter, now: Timestamp) -> Decisions<usize> {
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

    fn commit(&mut self, event: usize, lease: Option<LeaseId>) -> Decisions<usize> {
        let (answered, others) = self.waiting.iter().partition(|waiting| waiting.event == event);
        self.waiting = others;
        self.leases.retain(|(other, held, _)| *other != event || Some(*held) != lease);
        let answered: Vec<ModelWaiter> = answered;
        answered.iter().map(|waiting| (waiting.caller, Decision::Duplicate)).collect()
    }
}

/// A step of the test: a call of the table, or time that passes.
#[derive(Debug, Clone)]
enum Call {
    Acquire {
        event: usize,
        wait_ms: u64,
        times: usize,
    },
    /// Releases one of the leases granted so far.
    Release(prop::sample::Index),
    /// Commits an event with one of its leases granted so far.
    Commit(prop::sample::Index),
    /// Commits an event without a lease.
    Mark {
        event: usize,
    },
    Pass {
        ms: u64,
    },
}

fn call() -> impl Strategy<Value = Call> {
    let event = 0..6_usize;
    // Usually one caller, and sometimes so many that a few calls reach the caps.
    let times = prop_oneof![8 => Just(1_usize), 1 => Just(150)];
    prop_oneof![
        6 => (event.clone(), 1..2500_u64, times)
            .prop_map(|(event, wait_ms, times)| Call::Acquire { event, wait_ms, times }),
        3 => any::<prop::sample::Index>().prop_map(Call::Release),
        2 => any::<prop::sample::Index>().prop_map(Call::Commit),
        1 => event.prop_map(|event| Call::Mark { event }),
        3 => prop_oneof![1..300_u64, 1000..3000_u64, 30_000..40_000_u64]
            .prop_map(|ms| Call::Pass { ms }),
    ]
}

/// Puts the ended waits first, sorted by caller, because the table ends them in the order of its hash map. The other
/// decisions keep their order.
fn normalise(mut decisions: Decisions<usize>) -> Decisions<usize> {
    let ended = |decision: &Decision| *decision == Decision::WaitEnded;
    decisions.sort_by_key(|(caller, decision)| if ended(decision) { (0, *caller) } else { (1, 0) });
    decisions
}

proptest! {
    #[test]
    fn a_table_answers_as_the_model_does(calls in prop::collection::vec(call(), 1..120)) {
        let (mut table, mut model) = (LeaseTable::new(0), Model::default());
        let mut now = START;
        let mut caller = 0;
        // All leases granted so far, with their events. The test also releases and commits leases that have ended.
        let mut granted: Vec<(usize, LeaseId)> = Vec::new();
        let mut event_by_caller = Vec::new();
        for call in calls {
            let (answered, expected) = match call {
                Call::Pass { ms } => {
                    now = now.plus(Duration::from_millis(ms));
                    continue;
                }
                Call::Acquire { event: number, wait_ms, times } => {
                    let (mut answered, mut expected) = (Vec::new(), Vec::new());
                    for _ in 0..times {
                        let wait = Duration::from_millis(wait_ms);
                        let waiting = ModelWaiter { event: number, until: now.plus(wait), caller };
                        event_by_caller.push(number);
                        answered.extend(table.acquire(&event(number), now, wait, caller));
                        expected.extend(model.acquire(waiting, now));
                        caller += 1;
                    }
                    (answered, expected)
                }
                Call::Release(which) if !granted.is_empty() => {
                    let (number, lease) = granted[which.index(granted.len())];
                    let mut expected = Vec::new();
                    model.end(lease, now, &mut expected);
                    (table.release(&event(number), lease, now), expected)
                }
                Call::Commit(which) if !granted.is_empty() => {
                    let (number, lease) = granted[which.index(granted.len())];
                    (table.commit(&event(number), Some(lease)), model.commit(number, Some(lease)))
                }
                Call::Mark { event: number } => {
                    (table.commit(&event(number), None), model.commit(number, None))
                }
                Call::Release(_) | Call::Commit(_) => continue,
            };
            for (caller, decision) in &answered {
                if let Decision::Lease(lease) = decision {
                    granted.push((event_by_caller[*caller], *lease));
                }
            }
            prop_assert_eq!(normalise(answered), normalise(expected));
        }
    }
}
