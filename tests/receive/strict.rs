//! Strict mode: one place commits each event, one flight at a time, and every delivery keeps its own
//! deadline.

use std::time::Duration;

use cronozen_edge::commit::single_flight::{MAX_FLIGHT, MAX_WAITING};
use cronozen_edge::log::Outcome;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::world::{Behaviour, World, in_world, signed};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

fn in_strict_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world(|mut world| {
        world.be_strict();
        test(world)
    });
}

/// The statuses of so many deliveries at once, in order of their arrival.
async fn at_once(world: &World, times: usize) -> Vec<u16> {
    let deliveries = join_all((0..times).map(|_| world.deliver(EVENT))).await;
    deliveries.iter().map(|served| served.answer.status).collect()
}

#[test]
fn the_first_is_accepted_and_the_others_are_duplicates() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Works(1000));
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
            let served = world.deliver(r#"{"eventId":"evt_2"}"#).await;
            assert_eq!(served.answer.status, 202);
            assert!(served.took < Duration::from_millis(100));
        };
        tokio::join!(hung, other);
    });
}

#[test]
fn a_failure_is_one_for_all_and_leaves_nothing() {
    for send in [Behaviour::Fails(100), Behaviour::WorksThenFails(100), Behaviour::Hangs] {
        in_strict_world(async |world| {
            world.queue.send.set(send);
            assert_eq!(at_once(&world, 3).await, [503, 503, 503], "{send:?}");
            assert_eq!(world.marked(), 0, "{send:?}");
        });
    }
}

#[test]
fn a_waiter_outlives_the_first() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Works(6000));
        let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
        let second = async {
            sleep(Duration::from_millis(3000)).await;
            let served = world.deliver(EVENT).await;
            assert_eq!(served.answer.status, 200, "the event is in the queue by now");
            assert!(served.took < Duration::from_millis(3100), "{:?}", served.took);
        };
        tokio::join!(first, second);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::LateCommit, Outcome::Duplicate]);
    });
}

#[test]
fn a_late_failure_is_told_once() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Fails(6000));
        assert_eq!(at_once(&world, 2).await, [503, 503]);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::Failed, Outcome::LateSendFailed]);
        world.queue.send.set(Behaviour::Works(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
    });
}

#[test]
fn a_waiter_keeps_its_own_deadline() {
    in_strict_world(async |mut world| {
        world.set("DEADLINE_MS", "1000");
        world.queue.send.set(Behaviour::Hangs);
        for _ in 0..2 {
            let served = world.deliver(EVENT).await;
            assert_eq!(served.answer.status, 503);
            // A send that is acknowledged at its last moment leaves time for the marker.
            let took = u64::try_from(served.took.as_millis()).unwrap();
            assert!((750..=752).contains(&took), "{took}");
        }
    });
}

#[test]
fn a_hung_send_is_given_up_so_that_a_retry_sends_again() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Hangs);
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        world.queue.send.set(Behaviour::Works(5));
        sleep(Duration::from_secs(30)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 503, "it waits for the hung send");
        sleep(MAX_FLIGHT).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!((world.stored(), world.marked()), (1, 1));
    });
}

#[test]
fn a_send_that_was_given_up_does_not_end_the_next() {
    in_strict_world(async |world| {
        let very_slow = u64::try_from(MAX_FLIGHT.as_millis()).unwrap() + 5000;
        world.queue.send.set(Behaviour::Fails(very_slow));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        sleep(MAX_FLIGHT).await;
        // The first send fails while this one is under way.
        world.queue.send.set(Behaviour::Works(3500));
        let next = async { assert_eq!(world.deliver(EVENT).await.answer.status, 202) };
        let waiter = async {
            sleep(Duration::from_secs(2)).await;
            assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        };
        tokio::join!(next, waiter);
        assert_eq!(world.stored(), 1, "the waiter sends nothing");
    });
}

#[test]
fn too_many_that_wait_are_refused_at_once() {
    in_strict_world(async |world| {
        world.queue.send.set(Behaviour::Hangs);
        let beyond = async {
            sleep(Duration::from_millis(100)).await;
            let served = world.deliver(EVENT).await;
            assert_eq!(served.outcome(), (503, "unavailable".to_owned()));
            assert!(served.took < Duration::from_millis(10), "{:?}", served.took);
            let (_, record) = world.last_record();
            let reason = "expected at most 2000 deliveries to wait, got more";
            assert_eq!(record.reason.as_deref(), Some(reason));
        };
        tokio::join!(at_once(&world, MAX_WAITING), beyond);
        world.queue.send.set(Behaviour::Works(5));
        let other = world.deliver(r#"{"eventId":"evt_2"}"#).await;
        assert_eq!(other.answer.status, 202, "they wait no longer");
    });
}

#[test]
fn a_marker_that_fails_is_told_and_leaves_the_answer() {
    in_strict_world(async |world| {
        world.store.mark.set(Behaviour::Fails(5));
        assert_eq!(at_once(&world, 2).await, [202, 200]);
        assert_eq!(world.logged().first(), Some(&Outcome::MarkerFailed));
    });
}

#[test]
fn a_call_that_fails_or_hangs_is_a_503_in_time() {
    for deadline in [1000, 4500] {
        for call in [Behaviour::Fails(5), Behaviour::Hangs, Behaviour::Works(deadline)] {
            in_strict_world(async |mut world| {
                world.set("DEADLINE_MS", &deadline.to_string());
                world.call.set(call);
                let mut request = signed(EVENT);
                // All the time that a body may take.
                request.body.pieces[0].0 = deadline * 3 / 8 - 1;
                let served = world.serve(request).await;
                assert_eq!(served.outcome(), (503, "unavailable".to_owned()), "{call:?}");
                assert_eq!(served.answer.retry_after, Some(30));
                assert!(served.took <= Duration::from_millis(deadline + 1), "{:?}", served.took);
                let (_, record) = world.last_record();
                assert!(record.reason.unwrap().starts_with("expected the deduper to "));
            });
        }
    }
}

#[test]
fn an_event_to_forget_is_let_through_again() {
    in_strict_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
    });
}

#[test]
fn what_the_store_before_remembers_is_a_duplicate() {
    in_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.migrate();
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.deliver(r#"{"eventId":"evt_2"}"#).await.answer.status, 202);
        assert_eq!(world.deliver(r#"{"eventId":"evt_2"}"#).await.answer.status, 200);
        assert_eq!(world.marked(), 1, "what is new is marked in the new store alone");
        assert_eq!(world.previous.as_ref().unwrap().markers.borrow().len(), 1);
    });
}

#[test]
fn a_store_that_fails_is_a_doubt_whatever_the_one_before_says() {
    in_world(async |mut world| {
        world.migrate();
        world.store.look.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert!(world.queue.stored.borrow()[0].contains(r#""dedupe":"unknown""#));
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
