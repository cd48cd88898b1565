//! Strict mode: a shard leases each event to one delivery at a time, and every delivery keeps its own deadline.

use std::time::Duration;

use cronozen_gateway::budget::LATE_LIMIT;
use cronozen_gateway::dedupe::lease::{MAX_EVENT_WAITERS, MAX_LEASE};
use cronozen_gateway::dedupe::shard::{Granted, Shards};
use cronozen_gateway::log::Outcome;
use cronozen_webhook::event::EventId;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::world::{Behaviour, World, in_world, signed};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;
const OTHER: &str = r#"{"eventId":"evt_2"}"#;

fn in_strict_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world(|mut world| {
        world.be_strict();
        test(world)
    });
}

/// The same with the shortest and the longest deadline, in milliseconds.
fn in_strict_worlds(test: impl AsyncFn(World, u64)) {
    for deadline in [1000, 4500] {
        in_strict_world(async |mut world| {
            world.set("DEADLINE_MS", &deadline.to_string());
            test(world, deadline).await;
        });
    }
}

/// The statuses of so many deliveries at once, in order of their arrival.
async fn at_once(world: &World, times: usize) -> Vec<u16> {
    let deliveries = join_all((0..times).map(|_| world.deliver(EVENT))).await;
    deliveries.iter().map(|served| served.answer.status).collect()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

#[test]
fn the_first_is_accepted_and_the_others_are_duplicates() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline / 4));
        assert_eq!(at_once(&world, 4).await, [202, 200, 200, 200]);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(at_once(&world, 2).await, [200, 200]);
        assert!(!world.logged().contains(&Outcome::LateCommit));
    });
}

#[test]
fn other_events_do_not_wait() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Hangs);
        let hung = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
        let other = async {
            sleep(Duration::from_millis(10)).await;
            world.queue.send.set(Behaviour::Works(5));
            let served = world.deliver(OTHER).await;
            assert_eq!(served.answer.status, 202);
            assert!(served.took < Duration::from_millis(100));
        };
        tokio::join!(hung, other);
    });
}

#[test]
fn a_send_that_fails_gives_the_lease_to_the_next() {
    for send in [Behaviour::Fails(100), Behaviour::WorksThenFails(100)] {
        in_strict_worlds(async |world, _| {
            world.queue.send.set(send);
            let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
            let second = async {
                sleep(Duration::from_millis(50)).await;
                world.queue.send.set(Behaviour::Works(5));
                assert_eq!(world.deliver(EVENT).await.answer.status, 202, "{send:?}");
            };
            let third = async {
                sleep(Duration::from_millis(60)).await;
                assert_eq!(world.deliver(EVENT).await.answer.status, 200, "{send:?}");
            };
            tokio::join!(first, second, third);
            assert_eq!(world.marked(), 1);
        });
    }
}

#[test]
fn a_waiter_gives_up_when_half_of_its_deadline_has_passed() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Hangs);
        let first = async {
            let served = world.deliver(EVENT).await;
            assert_eq!(served.answer.status, 503);
            let took = ms(served.took);
            assert!((deadline - 250..=deadline - 248).contains(&took), "{took}");
        };
        let waiter = async {
            sleep(Duration::from_millis(20)).await;
            let mut request = signed(EVENT);
            // Half of the deadline after the arrival, whatever the body takes of it.
            request.body.pieces[0].0 = deadline / 4;
            let served = world.serve(request).await;
            assert_eq!(served.outcome(), (503, "unavailable".to_owned()));
            let took = ms(served.took);
            assert!((deadline / 2..=deadline / 2 + 2).contains(&took), "{took}");
        };
        tokio::join!(first, waiter);
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn a_late_send_that_works_is_committed_and_answers_the_waiter() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline + 1500));
        let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
        let second = async {
            sleep(Duration::from_millis(deadline + 1300)).await;
            let served = world.deliver(EVENT).await;
            assert_eq!(served.answer.status, 200, "the event is in the queue by now");
            assert!(served.took < Duration::from_millis(250), "{:?}", served.took);
        };
        tokio::join!(first, second);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::LateCommit, Outcome::Duplicate]);
    });
}

#[test]
fn a_late_send_that_fails_releases_the_lease() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Fails(deadline + 3000));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        world.queue.send.set(Behaviour::Works(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503, "it is leased");
        sleep(Duration::from_secs(10)).await;
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::Failed, Outcome::LateSendFailed]);
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
    });
}

#[test]
fn a_hung_send_ends_itself_so_that_the_second_attempt_sends_again() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Hangs);
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        world.queue.send.set(Behaviour::Works(5));
        // The first has been answered 250 ms before its deadline.
        sleep(LATE_LIMIT - Duration::from_millis(deadline + deadline / 2 + 100)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 503, "it is leased");
        sleep(Duration::from_millis(360)).await;
        let (_, record) = world.last_record();
        assert_eq!(record.outcome, Outcome::LateSendFailed);
        let reason = "no answer within 28000 ms of the delivery's arrival";
        assert_eq!(record.reason.as_deref(), Some(reason));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!((world.stored(), world.marked()), (1, 1));
    });
}

#[test]
fn a_lease_whose_holder_stops_runs_out() {
    in_strict_worlds(async |world, deadline| {
        let event_id = EventId::new("evt_1".to_owned()).unwrap();
        let wait = Duration::from_secs(1);
        let granted = world.shards.acquire(0, &event_id, false, wait).await.unwrap();
        let Granted::Lease(lease) = granted else { panic!("{granted:?}") };
        std::mem::forget(lease);
        sleep(MAX_LEASE - Duration::from_millis(deadline)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        sleep(Duration::from_millis(deadline / 2)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
    });
}

#[test]
fn a_send_that_outlives_its_lease_limit_does_not_end_the_next_lease() {
    in_strict_worlds(async |world, deadline| {
        let event_id = EventId::new("evt_1".to_owned()).unwrap();
        let wait = Duration::from_secs(1);
        let granted = world.shards.acquire(0, &event_id, false, wait).await.unwrap();
        let Granted::Lease(old) = granted else { panic!("{granted:?}") };
        sleep(MAX_LEASE).await;
        world.queue.send.set(Behaviour::Works(deadline / 2));
        let next = async { assert_eq!(world.deliver(EVENT).await.answer.status, 202) };
        let waiter = async {
            sleep(Duration::from_millis(100)).await;
            drop(old);
            sleep(Duration::from_millis(50)).await;
            assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        };
        tokio::join!(next, waiter);
        assert_eq!(world.stored(), 1, "the waiter sends nothing");
    });
}

#[test]
fn a_shard_that_restarts_while_a_lease_is_out_gets_the_row_all_the_same() {
    in_strict_worlds(async |world, _| {
        world.queue.send.set(Behaviour::Works(300));
        let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 202) };
        let restart = async {
            sleep(Duration::from_millis(100)).await;
            world.shards.restart();
        };
        tokio::join!(first, restart);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert!(!world.logged().contains(&Outcome::MarkerFailed));
    });
}

#[test]
fn a_commit_that_fails_or_hangs_is_made_up_for_by_a_second_call() {
    for (commit, takes) in [(Behaviour::Fails(5), 100), (Behaviour::Hangs, 5100)] {
        in_strict_world(async |world| {
            world.shards.commit.set(commit);
            assert_eq!(world.deliver(EVENT).await.answer.status, 202);
            sleep(Duration::from_millis(takes)).await;
            assert_eq!((world.stored(), world.marked()), (1, 1), "{commit:?}");
            assert_eq!(world.deliver(EVENT).await.answer.status, 200);
            assert!(!world.logged().contains(&Outcome::MarkerFailed));
        });
    }
}

#[test]
fn deliveries_that_wait_are_capped_and_leave_room_for_other_events() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline / 4));
        let crowd = at_once(&world, 1000);
        let other = async {
            sleep(Duration::from_millis(100)).await;
            world.queue.send.set(Behaviour::Works(5));
            let served = world.deliver(OTHER).await;
            assert_eq!(served.answer.status, 202);
            assert!(served.took < Duration::from_millis(30), "{:?}", served.took);
            let refused = world.deliver(EVENT).await;
            assert_eq!(refused.outcome(), (503, "unavailable".to_owned()));
            assert!(refused.took < Duration::from_millis(30), "{:?}", refused.took);
            let (_, record) = world.last_record();
            assert_eq!(record.reason.as_deref(), Some("too many deliveries wait for a lease"));
        };
        let (mut statuses, ()) = tokio::join!(crowd, other);
        statuses.sort_unstable();
        let count = |status| statuses.iter().filter(|other| **other == status).count();
        assert_eq!((count(202), count(200)), (1, MAX_EVENT_WAITERS));
        assert_eq!(count(503), 1000 - 1 - MAX_EVENT_WAITERS);
        assert_eq!(world.stored(), 2);
    });
}

#[test]
fn a_marker_that_fails_is_logged_and_leaves_the_answer() {
    in_strict_worlds(async |world, _| {
        world.store.mark.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.logged(), [Outcome::MarkerFailed, Outcome::Accepted]);
        world.store.mark.set(Behaviour::Works(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "queued again, not lost");
    });
}

#[test]
fn a_shard_that_fails_or_does_not_answer_is_a_503_in_time() {
    in_strict_worlds(async |world, deadline| {
        // All the time that a body may take, but one millisecond.
        let body = deadline * 3 / 8 - 1;
        let left = deadline / 2 - body;
        let timed_out = format!("deduper granted no lease within {left} ms");
        for (acquire, reason) in [
            (Behaviour::Fails(5), "deduper failed: out of order"),
            (Behaviour::Hangs, timed_out.as_str()),
            (Behaviour::Works(left + 1), timed_out.as_str()),
        ] {
            world.shards.acquire.set(acquire);
            let mut request = signed(EVENT);
            request.body.pieces[0].0 = body;
            let served = world.serve(request).await;
            assert_eq!(served.outcome(), (503, "unavailable".to_owned()), "{acquire:?}");
            assert_eq!(served.answer.retry_after, Some(30));
            assert!(ms(served.took) <= deadline / 2 + 2, "{:?}", served.took);
            let (_, record) = world.last_record();
            assert_eq!(record.reason.as_deref(), Some(reason));
        }
        world.shards.acquire.set(Behaviour::Works(0));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "nothing is leased");
    });
}

#[test]
fn rows_that_cannot_be_read_are_a_503() {
    in_strict_world(async |world| {
        world.store.look.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn an_event_to_forget_is_let_through_again() {
    in_strict_worlds(async |mut world, _| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "evt_1");
        world.queue.send.set(Behaviour::Works(100));
        assert_eq!(at_once(&world, 2).await, [202, 200], "it is leased like any other");
        world.set("FORGET", "");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
    });
}

#[test]
fn what_the_store_before_remembers_is_a_duplicate() {
    in_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.migrate();
        assert_eq!(at_once(&world, 20).await, [200; 20]);
        assert_eq!(world.deliver(OTHER).await.answer.status, 202);
        assert_eq!(world.deliver(OTHER).await.answer.status, 200);
        assert_eq!(world.marked(), 2, "the old event has a row of its own now");
        let previous = world.previous.as_ref().unwrap();
        assert_eq!(
            previous.markers.borrow().len(),
            1,
            "the new one is marked in the new store alone"
        );
        assert_eq!(previous.looks.get(), 1 + 2, "one in kv mode, and one for each event since");
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "neither store is asked");
    });
}

#[test]
fn a_store_before_that_fails_or_hangs_counts_as_a_miss() {
    for look in [Behaviour::Fails(5), Behaviour::Hangs] {
        in_world(async |mut world| {
            world.migrate();
            world.previous.as_ref().unwrap().look.set(look);
            let served = world.deliver(EVENT).await;
            assert_eq!(served.answer.status, 202);
            assert!(served.took < Duration::from_millis(600), "{:?}", served.took);
            assert!(world.queue.stored.borrow()[0].contains(r#""dedupe":"unknown""#));
        });
    }
}
