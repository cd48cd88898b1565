//! Tests of each rule of the table.

use super::*;

mod comparison;
mod model;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const WAIT: Duration = Duration::from_secs(2);

fn event(number: usize) -> EventId {
    EventId::new(format!("evt_{number}")).unwrap()
}

fn at(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

/// Returns a table with one lease of event 0, granted at 0 ms to caller 0.
fn table_with_lease() -> (LeaseTable<usize>, LeaseId) {
    let mut table = LeaseTable::new(0);
    let decisions = table.acquire(&event(0), at(0), WAIT, 0);
    let [(0, Decision::Lease(lease))] = decisions[..] else { panic!("{decisions:?}") };
    (table, lease)
}

/// Returns the lease of the only decision, which must be for `caller`.
fn only_lease(decisions: &[(usize, Decision)], caller: usize) -> LeaseId {
    match decisions {
        [(other, Decision::Lease(lease))] if *other == caller => *lease,
        _ => panic!("{decisions:?}"),
    }
}

#[test]
fn one_delivery_has_the_lease_and_the_next_waits_for_its_release() {
    let (mut table, lease) = table_with_lease();
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
    let (mut table, _) = table_with_lease();
    only_lease(&table.acquire(&event(1), at(1), WAIT, 1), 1);
}

#[test]
fn a_commit_answers_all_that_wait_and_ends_the_lease() {
    let (mut table, lease) = table_with_lease();
    table.acquire(&event(0), at(1), WAIT, 1);
    table.acquire(&event(0), at(1), WAIT, 2);
    let duplicates = [(1, Decision::Duplicate), (2, Decision::Duplicate)];
    assert_eq!(table.commit(&event(0), Some(lease)), duplicates);
    only_lease(&table.acquire(&event(0), at(2), WAIT, 3), 3);
    assert_eq!(table.release(&event(0), lease, at(3)), []);
}

#[test]
fn a_commit_without_the_lease_answers_all_that_wait_and_leaves_the_lease() {
    let (mut table, lease) = table_with_lease();
    table.acquire(&event(0), at(1), WAIT, 1);
    assert_eq!(table.commit(&event(0), None), [(1, Decision::Duplicate)]);
    table.acquire(&event(0), at(1), WAIT, 2);
    only_lease(&table.release(&event(0), lease, at(2)), 2);
}

#[test]
fn a_lease_runs_out_at_the_next_request_and_not_before_its_time() {
    let (mut table, lease) = table_with_lease();
    let end = u64::try_from(MAX_LEASE.as_millis()).unwrap();
    assert_eq!(table.acquire(&event(0), at(end - 1), WAIT, 1), []);
    let decisions = table.acquire(&event(1), at(end), WAIT, 2);
    let [(1, Decision::Lease(next)), (2, Decision::Lease(_))] = decisions[..] else {
        panic!("{decisions:?}")
    };
    assert_eq!(table.acquire(&event(0), at(end), WAIT, 3), []);
    // A late release by the old holder ends nothing.
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
    let (mut table, lease) = table_with_lease();
    table.acquire(&event(0), at(0), Duration::from_millis(10), 1);
    table.acquire(&event(0), at(0), Duration::from_millis(11), 2);
    let decisions = table.release(&event(0), lease, at(10));
    assert!(matches!(decisions[..], [(1, Decision::WaitEnded), (2, Decision::Lease(_))]));
}

#[test]
fn a_lease_number_identifies_the_lease_and_its_generation() {
    for generation in [0, 1, 2_000_000] {
        let mut table = LeaseTable::new(generation);
        let lease = only_lease(&table.acquire(&event(0), at(0), WAIT, 0), 0);
        assert_eq!(LeaseId::from_number(lease.number()), lease);
        assert_eq!(lease.number() >> 32, u64::from(generation));
    }
}

#[test]
fn a_table_does_not_release_a_lease_of_another_generation() {
    let (_, old) = table_with_lease();
    let mut table = LeaseTable::new(1);
    only_lease(&table.acquire(&event(0), at(1), WAIT, 0), 0);
    table.acquire(&event(0), at(1), WAIT, 1);
    assert_eq!(table.release(&event(0), old, at(2)), []);
}

#[test]
fn the_cap_of_an_event_leaves_room_for_other_events() {
    let (mut table, lease) = table_with_lease();
    for caller in 1..=MAX_EVENT_WAITERS {
        assert_eq!(table.acquire(&event(0), at(0), WAIT, caller), []);
    }
    let refused = [(1000, Decision::TooManyWaiters)];
    assert_eq!(table.acquire(&event(0), at(1), WAIT, 1000), refused);
    only_lease(&table.acquire(&event(1), at(1), WAIT, 1001), 1001);
    assert_eq!(table.acquire(&event(1), at(1), WAIT, 1002), []);
    // A free place is used again.
    only_lease(&table.release(&event(0), lease, at(2)), 1);
    assert_eq!(table.acquire(&event(0), at(2), WAIT, 1003), []);
    assert_eq!(table.acquire(&event(0), at(2), WAIT, 1004), [(1004, Decision::TooManyWaiters)]);
    // The waits of all callers have ended.
    let decisions = table.acquire(&event(0), at(2000), WAIT, 1005);
    assert_eq!(decisions.len(), MAX_EVENT_WAITERS - 1);
    assert!(decisions.iter().all(|(_, decision)| *decision == Decision::WaitEnded));
}

#[test]
fn the_cap_of_a_shard_counts_all_events() {
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
