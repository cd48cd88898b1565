//! The limit on the bytes that all deliveries hold together, and the check of the signature header before the body.

use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::{MAX_EXEMPT_BYTES, MAX_HELD_BYTES};
use cronozen_gateway::budget::LATE_WORK_LIMIT;
use cronozen_gateway::log::Level;
use tokio::time::sleep;

use crate::stored_bodies::{LARGE, event, in_worlds_with_bucket};
use crate::world::{Behaviour, FakeBody, World, in_world, signed};

/// The size of a body that is too large to be exempt, and small enough for a message.
const COUNTED: usize = 100_000;

/// Runs a test in KV mode and in strict mode.
fn in_worlds(test: impl AsyncFn(World)) {
    for strict in [false, true] {
        in_world(async |mut world| {
            if strict {
                world.use_strict_mode();
            }
            test(world).await;
        });
    }
}

#[test]
fn a_missing_or_malformed_signature_is_refused_before_the_body_is_read() {
    in_worlds(async |world| {
        let mut filler = world.allowance.begin();
        filler.add(MAX_HELD_BYTES).unwrap();
        for signature in [None, Some(String::new()), Some("0".repeat(63)), Some("A".repeat(64))] {
            for content_length in [Some("19"), Some("50000"), Some("99999999"), None] {
                let body = FakeBody::default();
                let reads = Rc::clone(&body.reads);
                let mut request = signed("");
                request.signature.clone_from(&signature);
                request.content_length = content_length.map(str::to_owned);
                request.body = body;
                let reply = world.serve(request).await;
                assert_eq!(reply.status_and_code(), (401, "invalid_signature".to_owned()));
                assert_eq!(reads.get(), 0);
                assert_eq!(reply.took, Duration::ZERO);
            }
        }
    });
}

#[test]
fn a_body_over_the_allowance_is_answered_with_503_unless_it_is_small() {
    in_worlds(async |world| {
        let mut filler = world.allowance.begin();
        filler.add(MAX_HELD_BYTES - COUNTED + 1).unwrap();
        for declared in [true, false] {
            let mut request = signed(&event(COUNTED));
            request.content_length = request.content_length.filter(|_| declared);
            let reply = world.serve(request).await;
            assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()));
            assert_eq!(reply.answer.retry_after, Some(30));
            let (level, record) = world.last_record();
            assert_eq!(level, Level::Error);
            let reason = "too many bodies held: more than 33554432 bytes at once";
            assert_eq!(record.reason.as_deref(), Some(reason));
        }
        assert_eq!(MAX_EXEMPT_BYTES, 16_384);
        let small = event(MAX_EXEMPT_BYTES);
        assert_eq!(world.deliver(&small).await.answer.status, 202);
        drop(filler);
        world.store.markers.borrow_mut().clear();
        assert_eq!(world.deliver(&event(COUNTED)).await.answer.status, 202);
        assert_eq!(world.allowance.held(), 0);
    });
}

#[test]
fn bytes_are_counted_when_they_arrive_not_when_they_are_declared() {
    in_worlds(async |world| {
        let mut request = signed(&event(COUNTED));
        request.body = FakeBody { pieces: vec![(0, Ok(vec![b'{'; 10]))], ..FakeBody::default() };
        let stalled = async {
            assert_eq!(world.serve(request).await.answer.status, 408);
        };
        let check = async {
            sleep(Duration::from_millis(1400)).await;
            assert_eq!(world.allowance.held(), 10);
        };
        tokio::join!(stalled, check);
        assert_eq!(world.allowance.held(), 0, "an abandoned read gives back what it held");
    });
}

#[test]
fn a_body_is_counted_until_its_send_settles() {
    for send in [Behaviour::Works(1000), Behaviour::Fails(1000)] {
        in_worlds(async |world| {
            world.queue.send.set(send);
            let body = event(COUNTED);
            let check = async {
                sleep(Duration::from_millis(900)).await;
                assert_eq!(world.allowance.held(), COUNTED);
            };
            tokio::join!(world.deliver(&body), check);
            assert_eq!(world.allowance.held(), 0);
        });
    }
}

#[test]
fn a_late_send_is_counted_until_it_times_out() {
    in_worlds(async |world| {
        world.queue.send.set(Behaviour::Hangs);
        let reply = world.deliver(&event(COUNTED)).await;
        assert_eq!(reply.answer.status, 503);
        sleep(LATE_WORK_LIMIT - reply.took - Duration::from_millis(10)).await;
        assert_eq!(world.allowance.held(), COUNTED);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(world.allowance.held(), 0);
    });
}

#[test]
fn a_stored_body_is_not_counted_while_its_message_is_sent() {
    in_worlds_with_bucket(async |world, bodies| {
        bodies.put.set(Behaviour::Works(500));
        world.queue.send.set(Behaviour::Works(500));
        let body = event(LARGE);
        let check = async {
            sleep(Duration::from_millis(400)).await;
            assert_eq!(world.allowance.held(), LARGE);
            sleep(Duration::from_millis(400)).await;
            assert_eq!(world.allowance.held(), 0);
        };
        tokio::join!(world.deliver(&body), check);
    });
}

#[test]
fn a_refused_body_is_no_longer_counted() {
    in_worlds(async |world| {
        let mut forged = signed(&event(COUNTED));
        forged.signature = Some("0".repeat(64));
        assert_eq!(world.serve(forged).await.answer.status, 401);
        let mut oversized = signed("");
        oversized.content_length = None;
        oversized.body =
            FakeBody { pieces: vec![(0, Ok(vec![b'x'; 50_000])); 3], ..FakeBody::default() };
        assert_eq!(world.serve(oversized).await.answer.status, 413);
        let mut broken = signed(&event(COUNTED));
        broken.body.pieces.push((0, Err("connection lost")));
        assert_eq!(world.serve(broken).await.answer.status, 408);
        assert_eq!(world.allowance.held(), 0);
    });
}
