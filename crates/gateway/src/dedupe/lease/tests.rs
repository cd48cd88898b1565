//! The table against a model that is slow and plain, and each of its rules by itself.

use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const WAIT: Duration = Duration::from_secs(2);

fn event(number: usize) -> EventId {
    EventId::new(format!("evt_{number}")).unwrap()
}

fn at(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

/// A table with one lease on event 0, granted at 0 ms to the caller 0.
fn leased() -> (LeaseTable<usize>, LeaseId) {
    let mut table = LeaseTable::new(0);
    let decisions = table.acquire(&event(0), at(0), WAIT, 0);
    let [(0, Decision::Leased(lease))] = decisions[..] else { panic!("{decisions:?}") };
    (table, lease)
}

/// The lease in the only decision, which is for this caller.
fn only_lease(decisions: &[(usize, Decision)], caller: usize) -> LeaseId {
    match decisions {
        [(other, Decision::Leased(lease))] if *other == caller => *lease,
        _ => panic!("{decisions:?}"),
    }
}

#[test]
fn one_delivery_has_the_lease_and_the_next_waits_for_its_release() {
    let (mut table, lease) = leased();
    assert_eq!(table.acquire(&event(0), at(1), WAIT, 1), []);
    assert_eq!(table.acquire(&event(0), at(2), WAIT, 2), []);
    let second = only_lease(&table.release(&event(0), lease, at(3)), 1);
    assert_ne!(second, lease);
    let third = only_lease(&table.release(&event(0), second, at(4)), 2);
    assert_eq!(table.release(&event(0), third, at(5)), []);
    only_lease(&table.acquire(&event(0), at(6), WAIT, 3), 3);
}

#[test]
fn other_events_do_not_wait() {
    let (mut table, _) = leased();
    only_lease(&table.acquire(&event(1), at(1), WAIT, 1), 1);
}

#[test]
fn a_commit_answers_all_that_wait_and_ends_the_lease() {
    let (mut table, lease) = leased();
    table.acquire(&event(0), at(1), WAIT, 1);
    table.acquire(&event(0), at(1), WAIT, 2);
    let duplicates = [(1, Decision::Duplicate), (2, Decision::Duplicate)];
    assert_eq!(table.commit(&event(0), Some(lease)), duplicates);
    only_lease(&table.acquire(&event(0), at(2), WAIT, 3), 3);
    assert_eq!(table.release(&event(0), lease, at(3)), []);
}

#[test]
fn a_commit_without_the_lease_answers_all_that_wait_and_leaves_the_lease() {
    let (mut table, lease) = leased();
    table.acquire(&event(0), at(1), WAIT, 1);
    assert_eq!(table.commit(&event(0), None), [(1, Decision::Duplicate)]);
    table.acquire(&event(0), at(1), WAIT, 2);
    only_lease(&table.release(&event(0), lease, at(2)), 2);
}

#[test]
fn a_lease_runs_out_at_the_next_request_and_not_before_its_time() {
    let (mut table, lease) = leased();
    let end = u64::try_from(MAX_LEASE.as_millis()).unwrap();
    assert_eq!(table.acquire(&event(0), at(end - 1), WAIT, 1), []);
    let decisions = table.acquire(&event(1), at(end), WAIT, 2);
    let [(1, Decision::Leased(next)), (2, Decision::Leased(_))] = decisions[..] else {
        panic!("{decisions:?}")
    };
    assert_eq!(table.acquire(&event(0), at(end), WAIT, 3), []);
    // The old holder is not gone, only late.
    assert_eq!(table.release(&event(0), lease, at(end)), []);
    only_lease(&table.release(&event(0), next, at(end)), 3);
}

#[test]
fn leases_run_out_in_the_order_of_their_grants() {
    let mut table = LeaseTable::new(0);
    for number in 0..50 {
        only_lease(&table.acquire(&event(number), at(0), WAIT, number), number);
    }
    let end = u64::try_from(MAX_LEASE.as_millis()).unwrap();
    for number in 0..50 {
        assert_eq!(table.acquire(&event(number), at(end - 1), WAIT, 100 + number), []);
    }
    let decisions = table.acquire(&event(50), at(end), WAIT, 50);
    let callers: Vec<usize> = decisions.iter().map(|(caller, _)| *caller).collect();
    assert_eq!(callers, (100..150).chain([50]).collect::<Vec<_>>());
}

#[test]
fn a_delivery_whose_wait_has_ended_gets_no_lease() {
    let (mut table, lease) = leased();
    table.acquire(&event(0), at(0), Duration::from_millis(10), 1);
    table.acquire(&event(0), at(0), Duration::from_millis(11), 2);
    let decisions = table.release(&event(0), lease, at(10));
    assert!(matches!(decisions[..], [(1, Decision::WaitEnded), (2, Decision::Leased(_))]));
}

#[test]
fn a_lease_crosses_as_its_number() {
    for generation in [0, 1, 2_000_000] {
        let mut table = LeaseTable::new(generation);
        let lease = only_lease(&table.acquire(&event(0), at(0), WAIT, 0), 0);
        assert_eq!(LeaseId::from_number(lease.number()), lease);
        assert_eq!(lease.number() >> 32, u64::from(generation));
    }
}

#[test]
fn a_table_of_another_generation_does_not_know_the_lease() {
    let (_, old) = leased();
    let mut table = LeaseTable::new(1);
    only_lease(&table.acquire(&event(0), at(1), WAIT, 0), 0);
    table.acquire(&event(0), at(1), WAIT, 1);
    assert_eq!(table.release(&event(0), old, at(2)), []);
}

#[test]
fn caps_of_an_event_leave_room_for_others() {
    let (mut table, lease) = leased();
    for caller in 1..=MAX_EVENT_WAITERS {
        assert_eq!(table.acquire(&event(0), at(0), WAIT, caller), []);
    }
    let refused = [(1000, Decision::TooManyWaiters)];
    assert_eq!(table.acquire(&event(0), at(1), WAIT, 1000), refused);
    only_lease(&table.acquire(&event(1), at(1), WAIT, 1001), 1001);
    assert_eq!(table.acquire(&event(1), at(1), WAIT, 1002), []);
    // A place that is free is taken again.
    only_lease(&table.release(&event(0), lease, at(2)), 1);
    assert_eq!(table.acquire(&event(0), at(2), WAIT, 1003), []);
    assert_eq!(table.acquire(&event(0), at(2), WAIT, 1004), [(1004, Decision::TooManyWaiters)]);
    // All of these have given up.
    let decisions = table.acquire(&event(0), at(2000), WAIT, 1005);
    assert_eq!(decisions.len(), MAX_EVENT_WAITERS - 1);
    assert!(decisions.iter().all(|(_, decision)| *decision == Decision::WaitEnded));
}

#[test]
fn caps_of_a_shard_count_all_events() {
    let mut table = LeaseTable::new(0);
    let events = MAX_WAITERS / 100;
    for number in 0..events {
        only_lease(&table.acquire(&event(number), at(0), WAIT, 0), 0);
        for _ in 0..100 {
            assert_eq!(table.acquire(&event(number), at(0), WAIT, 1), []);
        }
    }
    only_lease(&table.acquire(&event(events), at(0), WAIT, 2), 2);
    assert_eq!(table.acquire(&event(events), at(0), WAIT, 3), [(3, Decision::TooManyWaiters)]);
    table.commit(&event(0), None);
    assert_eq!(table.acquire(&event(events), at(0), WAIT, 4), []);
}

/// A caller of the model that has asked for a lease and has not been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    event: usize,
    until: Timestamp,
    caller: usize,
}

/// The same rules as lists that are searched from the front.
#[derive(Debug, Default)]
struct Model {
    /// Event, lease and end, in the order of the grants.
    leases: Vec<(usize, LeaseId, Timestamp)>,
    waiting: Vec<Waiting>,
    granted: u64,
}

impl Model {
    fn grant(&mut self, event: usize, now: Timestamp) -> Decision {
        let lease = LeaseId::from_number(self.granted);
        self.granted += 1;
        self.leases.push((event, lease, now.plus(MAX_LEASE)));
        Decision::Leased(lease)
    }

    fn end(&mut self, lease: LeaseId, now: Timestamp, decisions: &mut Decisions<usize>) {
        let Some(position) = self.leases.iter().position(|(_, other, _)| *other == lease) else {
            return;
        };
        let (event, ..) = self.leases.remove(position);
        while let Some(first) = self.waiting.iter().position(|waiting| waiting.event == event) {
            let Waiting { until, caller, .. } = self.waiting.remove(first);
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

    fn is_full(&self, event: usize) -> bool {
        let of_event = self.waiting.iter().filter(|waiting| waiting.event == event).count();
        of_event >= MAX_EVENT_WAITERS || self.waiting.len() >= MAX_WAITERS
    }

    fn acquire(&mut self, waiting: Waiting, now: Timestamp) -> Decisions<usize> {
        let mut decisions = Vec::new();
        self.sweep(now, &mut decisions);
        let Waiting { event, caller, .. } = waiting;
        if self.leases.iter().all(|(other, ..)| *other != event) {
            let decision = self.grant(event, now);
            decisions.push((caller, decision));
            return decisions;
        }
        if self.is_full(event) {
            let (still, ended) = self.waiting.iter().partition(|waiting| now < waiting.until);
            self.waiting = still;
            let ended: Vec<Waiting> = ended;
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
        let answered: Vec<Waiting> = answered;
        answered.iter().map(|waiting| (waiting.caller, Decision::Duplicate)).collect()
    }
}

#[derive(Debug, Clone)]
enum Call {
    Acquire { event: usize, wait_ms: u64, times: usize },
    Release(prop::sample::Index),
    Commit(prop::sample::Index),
    Mark { event: usize },
    Pass { ms: u64 },
}

fn call() -> impl Strategy<Value = Call> {
    let event = 0..6_usize;
    // Often one caller, and sometimes a crowd that meets the caps.
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

/// The decisions of one call in an order that does not depend on how the table keeps its events: those that were made
/// in an order keep it.
fn comparable(mut decisions: Decisions<usize>) -> Decisions<usize> {
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
        // Every lease that was ever granted, with its event: old handles call, too.
        let mut granted: Vec<(usize, LeaseId)> = Vec::new();
        let mut events = Vec::new();
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
                        let waiting = Waiting { event: number, until: now.plus(wait), caller };
                        events.push(number);
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
                if let Decision::Leased(lease) = decision {
                    granted.push((events[*caller], *lease));
                }
            }
            prop_assert_eq!(comparable(answered), comparable(expected));
        }
    }
}
