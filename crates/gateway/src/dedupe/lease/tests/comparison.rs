//! A test of the lease table against its model, with random calls.

use proptest::prelude::*;

use super::model::{Model, ModelWaiter, normalise};
use super::*;

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
