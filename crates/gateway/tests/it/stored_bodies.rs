//! Bodies that are too large for their messages: stored before the send, or refused.

use std::time::Duration;

use cronozen_gateway::log::{Level, Outcome};
use cronozen_webhook::message::MAX_MESSAGE_BYTES;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::signing::{hex, sign};
use crate::world::{Behaviour, FakeBucket, SECRET, World, in_world, signed};

const MIB: usize = 1024 * 1024;

/// The size of a body that is too large for any message.
pub const LARGE: usize = 130_000;

/// The bytes of a message around its body, with the longer value of `dedupe`.
const MESSAGE_OVERHEAD: usize = 228;

/// Returns an event whose body has `size` bytes.
pub fn event(size: usize) -> String {
    let frame = r#"{"eventId":"evt_1","data":""}"#.len();
    format!(r#"{{"eventId":"evt_1","data":"{}"}}"#, "x".repeat(size - frame))
}

/// Runs a test in KV mode and in strict mode, with a bucket and a body cap of 1 MiB.
pub fn in_worlds_with_bucket(test: impl AsyncFn(World, FakeBucket)) {
    for strict in [false, true] {
        in_world(async |mut world| {
            world.set("MAX_BODY_BYTES", "1048576");
            if strict {
                world.use_strict_mode();
            }
            let bodies = FakeBucket::working(&world.clock);
            world.bodies = Some(bodies.clone());
            test(world, bodies).await;
        });
    }
}

#[test]
fn a_body_is_stored_only_if_its_message_would_be_too_large() {
    in_worlds_with_bucket(async |mut world, bodies| {
        // The message contains the longer value of `dedupe`.
        world.fail_look_ups();
        let fits = MAX_MESSAGE_BYTES - MESSAGE_OVERHEAD;
        assert_eq!(world.deliver(&event(fits)).await.answer.status, 202);
        assert_eq!(world.queue.stored.borrow()[0].len(), MAX_MESSAGE_BYTES);
        assert_eq!(bodies.puts.get(), 0, "what fits is not stored");

        world.store.markers.borrow_mut().clear();
        assert_eq!(world.deliver(&event(fits + 1)).await.answer.status, 202);
        assert!(world.queue.stored.borrow()[1].len() < 500);
        assert_eq!(bodies.puts.get(), 1);
    });
}

#[test]
fn without_a_bucket_a_message_that_is_too_large_is_refused() {
    in_world(async |mut world| {
        world.set("MAX_BODY_BYTES", "1048576");
        world.store.look.set(Behaviour::Fails(5));
        let fits = MAX_MESSAGE_BYTES - MESSAGE_OVERHEAD;
        let reply = world.deliver(&event(fits + 1)).await;
        assert_eq!(reply.status_and_code(), (413, "body_too_large".to_owned()));
        assert_eq!(world.last_record().0, Level::Error);
        assert_eq!(world.deliver(&event(fits)).await.answer.status, 202);
    });
}

#[test]
fn a_message_has_the_key_hash_and_size_of_its_stored_body() {
    in_worlds_with_bucket(async |world, bodies| {
        for size in [200_000, MIB] {
            bodies.stored.borrow_mut().clear();
            world.store.markers.borrow_mut().clear();
            world.queue.stored.borrow_mut().clear();
            let body = event(size);
            assert_eq!(world.deliver(&body).await.answer.status, 202);
            let sha256 = hex(&Sha256::digest(&body));
            let key = format!("bodies/{sha256}");
            assert_eq!(
                *world.queue.stored.borrow(),
                [format!(
                    r#"{{"v":1,"eventId":"evt_1","type":null,"createdAt":null,"receivedAt":"{}","key":0,"dedupe":"new","window":"unknown","signature":"{}","bodyKey":"{key}","bodySha256":"{sha256}","bodyBytes":{size}}}"#,
                    world.last_record().1.at,
                    sign(body.as_bytes(), SECRET)
                )]
            );
            let stored = bodies.stored.borrow();
            assert_eq!(stored.len(), 1);
            assert_eq!(stored[&key], body.as_bytes());
            assert_eq!(world.last_record().1.bytes, Some(size));
        }
    });
}

#[test]
fn a_body_over_the_cap_is_refused_even_with_a_bucket() {
    in_worlds_with_bucket(async |world, bodies| {
        let reply = world.deliver(&event(MIB + 1)).await;
        assert_eq!(reply.status_and_code(), (413, "body_too_large".to_owned()));
        assert_eq!((world.stored(), bodies.puts.get()), (0, 0));
    });
}

#[test]
fn a_bucket_is_used_at_the_default_cap_unless_the_message_is_too_large_without_its_body() {
    in_world(async |mut world| {
        let bodies = FakeBucket::working(&world.clock);
        world.bodies = Some(bodies.clone());
        let with_type = |id: &str, size: usize| {
            format!(
                r#"{{"eventId":"{id}","type":"{}","data":"{}"}}"#,
                "t".repeat(size),
                "x".repeat(50_000)
            )
        };
        assert_eq!(world.deliver(&with_type("evt_1", 70_000)).await.answer.status, 202);
        assert_eq!(bodies.puts.get(), 1);

        world.set("MAX_BODY_BYTES", "1048576");
        let reply = world.deliver(&with_type("evt_2", 127_500)).await;
        assert_eq!(reply.status_and_code(), (413, "body_too_large".to_owned()));
        assert_eq!((world.stored(), bodies.puts.get()), (1, 1));
    });
}

#[test]
fn a_body_with_a_wrong_signature_or_without_an_event_is_not_stored() {
    in_worlds_with_bucket(async |world, bodies| {
        let mut request = signed(&event(MIB));
        request.signature = Some(sign(b"other", SECRET));
        assert_eq!(world.serve(request).await.answer.status, 401);
        assert_eq!(bodies.puts.get(), 0);
        let not_an_event = format!("[\"{}\"]", "x".repeat(200_000));
        assert_eq!(world.deliver(&not_an_event).await.answer.status, 400);
        assert_eq!(bodies.puts.get(), 0);
    });
}

#[test]
fn if_a_body_cannot_be_stored_the_answer_is_503_and_nothing_is_sent() {
    let body = event(LARGE);
    for (put, reason) in [
        (Behaviour::Fails(5), "bucket put failed: out of order"),
        // The look-up takes 5 of the 3,250 ms.
        (Behaviour::Hangs, "bucket put timed out after 3245 ms"),
        (Behaviour::Works(3251), "bucket put timed out after 3245 ms"),
    ] {
        in_worlds_with_bucket(async |world, bodies| {
            bodies.put.set(put);
            let reply = world.deliver(&body).await;
            assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()), "{put:?}");
            assert_eq!(reply.answer.retry_after, Some(30));
            assert!(reply.took <= Duration::from_millis(3251), "{:?}", reply.took);
            let (level, record) = world.last_record();
            assert_eq!((level, record.outcome), (Level::Error, Outcome::Failed));
            assert_eq!(record.reason.as_deref(), Some(reason));

            sleep(Duration::from_secs(30)).await;
            assert_eq!((world.stored(), world.marked()), (0, 0), "{put:?}");
            assert_eq!(world.logged(), [Outcome::Failed]);

            bodies.put.set(Behaviour::Works(5));
            assert_eq!(world.deliver(&body).await.answer.status, 202, "{put:?}");
            assert_eq!((world.stored(), world.marked()), (1, 1));
            assert_eq!(bodies.stored.borrow().len(), 1);
        });
    }
}

#[test]
fn a_body_is_stored_before_its_message_is_sent() {
    in_worlds_with_bucket(async |world, bodies| {
        bodies.put.set(Behaviour::Works(500));
        let watch = async {
            sleep(Duration::from_millis(499)).await;
            assert_eq!((bodies.stored.borrow().len(), world.stored()), (0, 0));
            assert_eq!(world.stored(), 0);
            sleep(Duration::from_millis(8)).await;
            assert_eq!((bodies.stored.borrow().len(), world.stored()), (1, 0));
        };
        let body = event(LARGE);
        let (reply, ()) = tokio::join!(world.deliver(&body), watch);
        assert_eq!(reply.answer.status, 202);
    });
}

#[test]
fn the_body_of_a_duplicate_is_not_stored_again() {
    in_worlds_with_bucket(async |world, bodies| {
        let body = event(LARGE);
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        assert_eq!(world.deliver(&body).await.answer.status, 200);
        assert_eq!((world.stored(), bodies.puts.get(), bodies.stored.borrow().len()), (1, 1, 1));
    });
}

#[test]
fn every_answer_comes_by_the_deadline() {
    for deadline in [1000, 4000, 4500] {
        let store_limit = deadline - 250 - deadline / 8;
        for put in [Behaviour::Works(store_limit - 1), Behaviour::Hangs] {
            for look in [Behaviour::Works(0), Behaviour::Hangs] {
                for send in [Behaviour::Works(5), Behaviour::Works(7000), Behaviour::Hangs] {
                    in_worlds_with_bucket(async |mut world, bodies| {
                        world.set("DEADLINE_MS", &deadline.to_string());
                        bodies.put.set(put);
                        world.store.look.set(look);
                        world.queue.send.set(send);
                        let reply = world.deliver(&event(LARGE)).await;
                        let case = format!("{put:?}, {look:?}, {send:?}, {deadline}");
                        let took = reply.took.as_millis();
                        assert!(took <= u128::from(deadline) + 1, "{case}: {took}");
                        let works = put != Behaviour::Hangs
                            && (look, send) == (Behaviour::Works(0), Behaviour::Works(5));
                        assert_eq!(reply.answer.status, if works { 202 } else { 503 }, "{case}");
                    });
                }
            }
        }
    }
}

#[test]
fn a_slow_body_leaves_less_time_to_store_it() {
    in_worlds_with_bucket(async |world, bodies| {
        bodies.put.set(Behaviour::Hangs);
        let mut request = signed(&event(LARGE));
        request.body.pieces[0].0 = 1499;
        let reply = world.serve(request).await;
        assert_eq!(reply.answer.status, 503);
        assert!(reply.took <= Duration::from_millis(3252), "{:?}", reply.took);
        assert_eq!(world.last_record().1.reason.unwrap(), "bucket put timed out after 1746 ms");
    });
}

/// Returns a large event that was created at `time`.
fn created_at(time: &str) -> String {
    event(LARGE).replacen('{', &format!(r#"{{"createdAt":"{time}","#), 1)
}

#[test]
fn an_event_with_a_stored_body_has_its_window_and_its_marker() {
    in_worlds_with_bucket(async |world, _| {
        let day = 24 * 60 * 60;
        for (time, window, ttl) in [
            ("2026-11-24T07:30:00Z", "inside", 30 * day + 1800),
            ("2026-10-01T00:00:00Z", "outside", 30 * day),
        ] {
            world.store.markers.borrow_mut().clear();
            assert_eq!(world.deliver(&created_at(time)).await.answer.status, 202);
            let message = world.queue.stored.borrow().last().unwrap().clone();
            assert!(message.contains(&format!(r#""createdAt":"{time}""#)), "{message}");
            assert!(message.contains(&format!(r#""window":"{window}""#)), "{message}");
            assert!(message.contains(r#""bodyKey":"#), "{message}");
            let marker = world.store.markers.borrow()["evt_1"];
            // Compares the ends, because a shard receives only the end of its row.
            assert_eq!(
                marker.ends_at(),
                world.last_record().1.at.plus(Duration::from_secs(ttl)),
                "{time}"
            );
        }
    });
}

#[test]
fn the_body_of_an_event_refused_as_too_old_is_not_stored() {
    in_worlds_with_bucket(async |mut world, bodies| {
        world.set("REPLAY", "refuse");
        let reply = world.deliver(&created_at("2026-10-01T00:00:00Z")).await;
        assert_eq!(reply.status_and_code(), (422, "event_too_old".to_owned()));
        assert_eq!((world.stored(), bodies.puts.get()), (0, 0));
    });
}

#[test]
fn an_event_listed_in_forget_is_sent_again_and_its_body_stored_again() {
    in_worlds_with_bucket(async |mut world, bodies| {
        let body = event(LARGE);
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        world.set("FORGET", "evt_1");
        assert_eq!(world.deliver(&body).await.answer.status, 202);
        assert_eq!((world.stored(), bodies.puts.get()), (2, 2));
    });
}

#[test]
fn a_stream_over_the_cap_is_refused() {
    in_worlds_with_bucket(async |world, bodies| {
        for (size, status) in [(MIB, 202), (MIB + 1, 413)] {
            let mut request = signed(&event(size));
            request.content_length = None;
            assert_eq!(world.serve(request).await.answer.status, status, "{size}");
        }
        assert_eq!((world.stored(), bodies.puts.get()), (1, 1));
    });
}
