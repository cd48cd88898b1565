//! Bodies that the bucket refuses although it holds them, as R2 does if a body comes twice in a second.

use std::time::Duration;

use tokio::time::sleep;

use crate::stored_bodies::{LARGE, event, in_worlds_with_bucket};
use crate::world::Behaviour;

const REFUSED: &str = "bucket put failed: out of order";

#[test]
fn a_refused_body_that_the_bucket_holds_counts_as_stored() {
    in_worlds_with_bucket(async |mut world, bodies| {
        let body = event(LARGE);
        // The first put stores the body, but returns an error.
        bodies.put.set(Behaviour::WorksThenFails(5));
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        bodies.put.set(Behaviour::Fails(5));
        sleep(Duration::from_mins(59)).await;
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        assert_eq!((world.stored(), bodies.puts.get(), bodies.checks.get()), (2, 2, 2));
    });
}

#[test]
fn a_body_whose_put_succeeds_is_not_looked_up() {
    in_worlds_with_bucket(async |world, bodies| {
        assert_eq!(world.deliver(&event(LARGE)).await.answer.status, 202);
        assert_eq!(bodies.checks.get(), 0);
    });
}

#[test]
fn a_refused_body_that_was_stored_over_an_hour_ago_is_answered_with_503() {
    in_worlds_with_bucket(async |mut world, bodies| {
        let body = event(LARGE);
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        bodies.put.set(Behaviour::Fails(5));
        sleep(Duration::from_mins(61)).await;
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(&body).await.answer.status, 503);
        assert_eq!(world.last_record().1.reason.as_deref(), Some(REFUSED));
    });
}

#[test]
fn a_body_of_another_length_under_the_key_does_not_count_as_stored() {
    in_worlds_with_bucket(async |world, bodies| {
        let body = event(LARGE);
        bodies.put.set(Behaviour::WorksThenFails(5));
        bodies.head.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(&body).await.answer.status, 503);
        bodies.head.set(Behaviour::Works(5));
        bodies.put.set(Behaviour::Fails(5));
        bodies.stored.borrow_mut().values_mut().for_each(|stored| stored.push(b' '));
        assert_eq!(world.deliver(&body).await.answer.status, 503);
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn if_the_look_up_of_a_refused_body_fails_or_hangs_the_answer_is_503_in_time() {
    for head in [Behaviour::Fails(5), Behaviour::Hangs, Behaviour::Works(2251)] {
        in_worlds_with_bucket(async |world, bodies| {
            bodies.put.set(Behaviour::WorksThenFails(1000));
            bodies.head.set(head);
            let reply = world.deliver(&event(LARGE)).await;
            assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()), "{head:?}");
            assert!(reply.took <= Duration::from_millis(3251), "{:?}", reply.took);
            assert_eq!(world.last_record().1.reason.as_deref(), Some(REFUSED), "{head:?}");
            assert_eq!((world.stored(), world.marked()), (0, 0));
        });
    }
}
