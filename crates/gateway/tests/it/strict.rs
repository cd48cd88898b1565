//! Strict mode: a shard leases each event to one delivery at a time, and every delivery keeps its own deadline.

use std::time::Duration;

use cronozen_gateway::log::Outcome;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::world::{Behaviour, World, in_world, signed};

pub const EVENT: &str = r#"{"eventId":"evt_1"}"#;
pub const OTHER: &str = r#"{"eventId":"evt_2"}"#;

pub fn in_strict_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world(|mut world| {
        world.use_strict_mode();
        test(world)
    });
}

/// Runs a test in strict mode, with the shortest and then the longest deadline, in milliseconds.
pub fn in_strict_worlds(test: impl AsyncFn(World, u64)) {
    for deadline in [1000, 4500] {
        in_strict_world(async |mut world| {
            world.set("DEADLINE_MS", &deadline.to_string());
            test(world, deadline).await;
        });
    }
}

/// Delivers one event `times` times at once. Returns the statuses in the order of arrival.
pub async fn deliver_at_once(world: &World, times: usize) -> Vec<u16> {
    let deliveries = join_all((0..times).map(|_| world.deliver(EVENT))).await;
    deliveries.iter().map(|reply| reply.answer.status).collect()
}

pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

#[test]
fn the_first_of_concurrent_deliveries_is_accepted_and_the_others_are_duplicates() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline / 4));
        assert_eq!(deliver_at_once(&world, 4).await, [202, 200, 200, 200]);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(deliver_at_once(&world, 2).await, [200, 200]);
        assert!(!world.logged().contains(&Outcome::LateCommit));
    });
}

#[test]
fn a_hung_send_does_not_delay_other_events() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Hangs);
        let hung = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
        let other = async {
            sleep(Duration::from_millis(10)).await;
            world.queue.send.set(Behaviour::Works(5));
            let reply = world.deliver(OTHER).await;
            assert_eq!(reply.answer.status, 202);
            assert!(reply.took < Duration::from_millis(100));
        };
        tokio::join!(hung, other);
    });
}

#[test]
fn a_failed_send_passes_the_lease_to_the_next_waiter() {
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
fn a_failed_marker_is_logged_and_does_not_change_the_answer() {
    in_strict_worlds(async |world, _| {
        world.store.mark.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.logged(), [Outcome::MarkerFailed, Outcome::Accepted]);
        world.store.mark.set(Behaviour::Works(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "queued again, not lost");
    });
}

#[test]
fn if_a_shard_fails_or_hangs_the_answer_is_503_in_time() {
    in_strict_worlds(async |world, deadline| {
        // The body takes 1 ms less than its limit.
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
            let reply = world.serve(request).await;
            assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()), "{acquire:?}");
            assert_eq!(reply.answer.retry_after, Some(30));
            assert!(ms(reply.took) <= deadline / 2 + 2, "{:?}", reply.took);
            let (_, record) = world.last_record();
            assert_eq!(record.reason.as_deref(), Some(reason));
        }
        world.shards.acquire.set(Behaviour::Works(0));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "nothing is leased");
    });
}

#[test]
fn if_a_row_cannot_be_read_the_answer_is_503_and_nothing_is_sent() {
    in_strict_world(async |world| {
        world.store.look.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn an_event_listed_in_forget_is_accepted_again() {
    in_strict_worlds(async |mut world, _| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "evt_1");
        world.queue.send.set(Behaviour::Works(100));
        assert_eq!(deliver_at_once(&world, 2).await, [202, 200], "it is leased like any other");
        world.set("FORGET", "");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
    });
}

#[test]
fn an_event_marked_in_the_earlier_store_is_a_duplicate() {
    in_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.migrate();
        assert_eq!(deliver_at_once(&world, 20).await, [200; 20]);
        assert_eq!(world.deliver(OTHER).await.answer.status, 202);
        assert_eq!(world.deliver(OTHER).await.answer.status, 200);
        assert_eq!(world.marked(), 2, "the old event has a row of its own now");
        let previous = world.previous.as_ref().unwrap();
        assert_eq!(
            previous.markers.borrow().len(),
            1,
            "the new one is marked in the new store alone"
        );
        assert_eq!(previous.look_ups.get(), 1 + 2, "one in kv mode, and one for each event since");
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202, "neither store is asked");
    });
}

#[test]
fn an_earlier_store_that_fails_or_hangs_counts_as_a_miss() {
    for look in [Behaviour::Fails(5), Behaviour::Hangs] {
        in_world(async |mut world| {
            world.migrate();
            world.previous.as_ref().unwrap().look.set(look);
            let reply = world.deliver(EVENT).await;
            assert_eq!(reply.answer.status, 202);
            assert!(reply.took < Duration::from_millis(600), "{:?}", reply.took);
            assert!(world.queue.stored.borrow()[0].contains(r#""dedupe":"unknown""#));
        });
    }
}
