//! Bodies that the bucket refuses although they are there, as R2 does if one comes twice in a second.

use std::time::Duration;

use tokio::time::sleep;

use crate::large::{LARGE, event, in_worlds_with_bodies};
use crate::world::Behaviour;

const REFUSED: &str = "bucket put failed: out of order";

#[test]
fn a_refused_body_that_is_there_counts_as_stored() {
    in_worlds_with_bodies(async |mut world, bodies| {
        let body = event(LARGE);
        // The first is told that it failed, though it did not.
        bodies.put.set(Behaviour::WorksThenFails(5));
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        bodies.put.set(Behaviour::Fails(5));
        sleep(Duration::from_mins(59)).await;
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        assert_eq!((world.stored(), bodies.puts.get(), bodies.heads.get()), (2, 2, 2));
    });
}

#[test]
fn what_is_stored_is_not_looked_for() {
    in_worlds_with_bodies(async |world, bodies| {
        assert_eq!(world.deliver(&event(LARGE)).await.answer.status, 202);
        assert_eq!(bodies.heads.get(), 0);
    });
}

#[test]
fn a_refused_body_that_is_there_for_too_long_is_a_503() {
    in_worlds_with_bodies(async |mut world, bodies| {
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
fn a_refused_body_is_no_other_one_under_its_key() {
    in_worlds_with_bodies(async |world, bodies| {
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
fn a_look_for_a_refused_body_that_fails_or_hangs_is_a_503_in_time() {
    for head in [Behaviour::Fails(5), Behaviour::Hangs, Behaviour::Works(2251)] {
        in_worlds_with_bodies(async |world, bodies| {
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
