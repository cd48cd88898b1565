//! The reading of a body: its cap, its time limit, and bodies that break off.

use std::time::Duration;

use cronozen_gateway::receive::Request;

use crate::world::{FakeBody, Reply, World, in_world, signed};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

async fn serve(
    world: &World,
    content_length: Option<&str>,
    pieces: Vec<(u64, Result<Vec<u8>, &'static str>)>,
) -> (Reply, usize) {
    let body = FakeBody { pieces, ends: true, ..FakeBody::default() };
    let reads = std::rc::Rc::clone(&body.reads);
    let content_length = content_length.map(str::to_owned);
    let reply = world.serve(Request { content_length, body, ..signed(EVENT) }).await;
    (reply, reads.get())
}

fn too_large() -> (u16, String) {
    (413, "body_too_large".to_owned())
}

#[test]
fn a_declared_length_over_the_cap_is_refused_without_reading_the_body() {
    in_world(async |world| {
        for declared in ["127001", "99999999999999999999"] {
            let (reply, reads) = serve(&world, Some(declared), vec![(0, Ok(vec![b'x']))]).await;
            assert_eq!(reply.status_and_code(), too_large());
            assert_eq!(reads, 0, "{declared}");
        }
    });
}

#[test]
fn a_body_longer_than_its_declared_length_is_still_capped() {
    in_world(async |world| {
        let (reply, _) = serve(&world, Some("10"), vec![(0, Ok(vec![b'x'; 127_001]))]).await;
        assert_eq!(reply.status_and_code(), too_large());
    });
}

#[test]
fn reading_stops_when_a_stream_exceeds_the_cap() {
    in_world(async |world| {
        let pieces = vec![(0, Ok(vec![b'x'; 50_000])); 10];
        let (reply, reads) = serve(&world, None, pieces).await;
        assert_eq!(reply.status_and_code(), too_large());
        assert_eq!(reads, 3);
    });
}

#[test]
fn a_stream_without_a_valid_declared_length_is_read_whole() {
    in_world(async |world| {
        for declared in [None, Some(""), Some("-1"), Some("+19"), Some("19, 19")] {
            let pieces = EVENT.bytes().map(|byte| (1, Ok(vec![byte]))).collect();
            let (reply, _) = serve(&world, declared, pieces).await;
            assert!(matches!(reply.answer.status, 200 | 202), "{declared:?}");
        }
        assert_eq!(world.stored(), 1);
    });
}

#[test]
fn max_body_bytes_sets_the_cap() {
    in_world(async |mut world| {
        world.set("MAX_BODY_BYTES", "1024");
        let body = |size: usize| format!(r#"{{"eventId":"e","data":"{}"}}"#, "x".repeat(size - 25));
        assert_eq!(body(1024).len(), 1024);
        assert_eq!(world.deliver(&body(1025)).await.status_and_code(), too_large());
        assert_eq!(world.deliver(&body(1024)).await.answer.status, 202);
    });
}

#[test]
fn a_slow_body_times_out_after_three_eighths_of_the_deadline() {
    in_world(async |mut world| {
        for (deadline, limit) in [("1000", 375), ("4000", 1500), ("4500", 1687)] {
            world.set("DEADLINE_MS", deadline);
            for declared in [None, Some("19")] {
                let pieces = vec![(10, Ok(EVENT.into())), (60_000, Ok(vec![]))];
                let (reply, _) = serve(&world, declared, pieces).await;
                assert_eq!(reply.status_and_code(), (408, "body_timeout".to_owned()));
                let took = reply.took.as_millis();
                assert!((limit..=limit + 2).contains(&took), "{took} of {limit}");
            }
        }
    });
}

#[test]
fn a_body_that_never_ends_times_out() {
    in_world(async |world| {
        let body = FakeBody { ends: false, ..FakeBody::whole(EVENT.as_bytes()) };
        let reply = world.serve(Request { body, ..signed(EVENT) }).await;
        assert_eq!(reply.answer.status, 408);
        assert!(reply.took < Duration::from_millis(1510));
    });
}

#[test]
fn the_platforms_error_for_a_broken_body_is_logged_but_not_in_the_answer() {
    in_world(async |world| {
        for declared in [None, Some("19")] {
            let pieces = vec![(0, Ok(EVENT.into())), (1, Err("Network connection lost."))];
            let (reply, _) = serve(&world, declared, pieces).await;
            assert_eq!(reply.answer.status, 408);
            assert!(!reply.answer.body.contains("Network"));
            let reason = world.last_record().1.reason.unwrap();
            assert!(reason.ends_with("Network connection lost."), "{reason}");
        }
    });
}
