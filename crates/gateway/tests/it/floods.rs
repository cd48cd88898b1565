//! The limit on failed signatures: consulted only after a failure, and a flood has one line a minute.

use std::time::Duration;

use cronozen_gateway::log::{Level, Outcome, Record};
use cronozen_gateway::receive::Request;

use crate::platform::FakeLimiter;
use crate::world::{Behaviour, FakeBody, World, in_world, signed};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

/// A delivery with the signature of another body.
fn forged() -> Request<FakeBody> {
    Request { signature: signed("other").signature, ..signed(EVENT) }
}

fn unsigned() -> Request<FakeBody> {
    Request { signature: None, ..signed(EVENT) }
}

async fn statuses(world: &World, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..times {
        let request = if number % 2 == 0 { forged() } else { unsigned() };
        statuses.push(world.serve(request).await.answer.status);
    }
    statuses
}

fn suppressed_lines(world: &World) -> Vec<Record> {
    let log = world.log.borrow();
    log.iter().filter(|(_, record)| record.count.is_some()).map(|(_, it)| it.clone()).collect()
}

#[test]
fn an_address_that_has_exhausted_the_limit_is_answered_429() {
    in_world(|mut world| async move {
        world.limiter = Some(FakeLimiter::allowing(3));
        assert_eq!(statuses(&world, 5).await, [401, 401, 401, 429, 429]);
        let reply = world.serve(forged()).await;
        assert_eq!(reply.status_and_code(), (429, "too_many_failures".to_owned()));
        assert_eq!(reply.answer.retry_after, None);

        let elsewhere = Request { address: Some("192.0.2.2".to_owned()), ..forged() };
        assert_eq!(world.serve(elsewhere).await.answer.status, 401);
    });
}

#[test]
fn a_right_signature_is_never_limited() {
    in_world(|mut world| async move {
        let limiter = FakeLimiter::allowing(0);
        world.limiter = Some(limiter.clone());
        assert_eq!(statuses(&world, 4).await, [429; 4]);
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.deliver("[]").await.answer.status, 400);
        let counted: usize = limiter.failures.borrow().values().sum();
        assert_eq!(counted, 4, "the limiter is consulted only after a failed signature");
    });
}

#[test]
fn a_request_that_fails_before_its_signature_is_not_counted() {
    in_world(|mut world| async move {
        let limiter = FakeLimiter::allowing(0);
        world.limiter = Some(limiter.clone());
        let elsewhere = Request { path: Some("/".to_owned()), ..forged() };
        assert_eq!(world.serve(elsewhere).await.answer.status, 404);
        let too_long = Request { content_length: Some("1000000".to_owned()), ..signed(EVENT) };
        assert_eq!(world.serve(too_long).await.answer.status, 413);
        assert!(limiter.failures.borrow().is_empty());
    });
}

#[test]
fn a_limiter_that_fails_or_hangs_refuses_nothing() {
    for behaviour in [Behaviour::Fails(5), Behaviour::Hangs] {
        in_world(|mut world| async move {
            let limiter = FakeLimiter { behaviour, ..FakeLimiter::allowing(0) };
            world.limiter = Some(limiter);
            let reply = world.serve(forged()).await;
            assert_eq!(reply.answer.status, 401);
            assert!(reply.took <= Duration::from_millis(500), "{:?}", reply.took);
            assert_eq!(world.logged(), [Outcome::Rejected]);
        });
    }
}

#[test]
fn a_flood_has_one_line_a_minute_with_the_number_of_deliveries() {
    in_world(|mut world| async move {
        world.limiter = Some(FakeLimiter::allowing(2));
        statuses(&world, 2).await;
        for _ in 0..4 {
            statuses(&world, 100).await;
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        let others = world.log.borrow().len() - suppressed_lines(&world).len();
        assert_eq!(others, 2, "only the failures within the limit have a line of their own");
        // At the beginning, after a minute, and the rest with the next delivery after another one.
        let counts = |world: &World| -> Vec<_> {
            suppressed_lines(world).iter().map(|line| line.count.unwrap_or_default()).collect()
        };
        assert_eq!(counts(&world), [1, 200]);
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(counts(&world), [1, 200, 199]);

        let log = world.log.borrow();
        let (level, line) = log.iter().find(|(_, record)| record.count.is_some()).unwrap();
        assert_eq!(*level, Level::Warn);
        assert_eq!((line.outcome, line.code), (Outcome::Rejected, Some("too_many_failures")));
        assert!(!line.is_unsigned(), "there is one a minute, however many deliveries it counts");
        assert_eq!(line.address, None, "the line is about several addresses");
    });
}

#[test]
fn only_a_refusal_without_a_verified_signature_is_unsigned() {
    in_world(|world| async move {
        statuses(&world, 2).await;
        world.deliver("[]").await;
        world.deliver(EVENT).await;
        world.queue.send.set(Behaviour::Fails(1));
        world.deliver(r#"{"eventId":"evt_2"}"#).await;
        let unsigned: Vec<_> =
            world.log.borrow().iter().map(|(_, record)| record.is_unsigned()).collect();
        assert_eq!(unsigned, [true, true, false, false, false]);
    });
}
