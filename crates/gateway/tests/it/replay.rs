//! The replay window, and how long a marker lives.

use std::time::Duration;

use cronozen_webhook::message::Window;

use crate::world::{START, World, in_world};

const DAY: u64 = 24 * 60 * 60;

fn event(created_at: &str) -> String {
    format!(r#"{{"eventId":"evt_1","createdAt":{created_at}}}"#)
}

/// The window that the message tells, and the seconds that the marker lives.
async fn accepted(world: &World, created_at: &str) -> (Window, u64) {
    world.store.markers.borrow_mut().clear();
    assert_eq!(world.deliver(&event(created_at)).await.answer.status, 202, "{created_at}");
    let message = world.queue.stored.borrow().last().unwrap().clone();
    let windows = [Window::Inside, Window::Outside, Window::Unknown];
    let window = windows
        .into_iter()
        .find(|window| message.contains(&format!(r#""window":"{}""#, window.as_str())));
    let marker = world.store.markers.borrow()["evt_1"];
    (window.unwrap(), marker.ttl_seconds())
}

fn at(offset_seconds: i64) -> String {
    let shift = Duration::from_secs(offset_seconds.unsigned_abs());
    let time = if offset_seconds < 0 {
        cronozen_webhook::time::Timestamp::from_millis(
            START.as_millis() - i64::try_from(shift.as_millis()).unwrap(),
        )
    } else {
        START.plus(shift)
    };
    format!("\"{time}\"")
}

#[test]
fn windows_and_markers() {
    in_world(async |world| {
        let ttl = 30 * DAY;
        for (created_at, expected) in [
            (at(0), (Window::Inside, ttl)),
            (at(-(29 * 86_400)), (Window::Inside, ttl)),
            (at(-(31 * 86_400)), (Window::Outside, ttl)),
            (at(1800), (Window::Inside, ttl + 1800)),
            (at(7200), (Window::Unknown, ttl + 7200)),
            ("\"0001-01-01T00:00:00Z\"".to_owned(), (Window::Outside, ttl)),
            ("\"9999-12-31T23:59:59Z\"".to_owned(), (Window::Unknown, ttl + 366 * DAY)),
            ("\"2026-11-24T09:00:00+02:00\"".to_owned(), (Window::Inside, ttl)),
            ("\"yesterday\"".to_owned(), (Window::Unknown, ttl)),
            ("\"\\ud800\"".to_owned(), (Window::Unknown, ttl)),
            ("1795503600000".to_owned(), (Window::Unknown, ttl)),
            ("null".to_owned(), (Window::Unknown, ttl)),
        ] {
            // A marker may live a part of a second longer, never shorter.
            assert_eq!(accepted(&world, &created_at).await, expected, "{created_at}");
        }
    });
}

#[test]
fn the_ttl_is_the_window() {
    in_world(async |mut world| {
        world.set("DEDUPE_TTL_SECONDS", "172800");
        assert_eq!(accepted(&world, &at(-172_700)).await, (Window::Inside, 172_800));
        assert_eq!(accepted(&world, &at(-172_900)).await, (Window::Outside, 172_800));
    });
}

#[test]
fn outside_the_window_can_be_refused() {
    in_world(async |mut world| {
        world.set("REPLAY", "refuse");
        let reply = world.deliver(&event(&at(-(31 * 86_400)))).await;
        assert_eq!(reply.status_and_code(), (422, "event_too_old".to_owned()));
        assert_eq!(world.stored() + world.marked(), 0);
        assert_eq!(accepted(&world, &at(-(29 * 86_400))).await.0, Window::Inside);
        assert_eq!(accepted(&world, "null").await.0, Window::Unknown);
    });
}
