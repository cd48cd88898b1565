//! The replay window, and the lifetime of a marker.

use std::time::Duration;

use cronozen_webhook::message::Window;

use crate::world::{START, World, in_world};

const DAY: u64 = 24 * 60 * 60;

fn event(created_at: &str) -> String {
    format!(r#"{{"eventId":"evt_1","createdAt":{created_at}}}"#)
}

/// Delivers an event. Returns the window in its message, and the lifetime of its marker in seconds.
async fn window_and_ttl(world: &World, created_at: &str) -> (Window, u64) {
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
fn created_at_decides_the_window_and_the_lifetime_of_the_marker() {
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
            // A lifetime is rounded up to whole seconds, so that no marker ends too early.
            assert_eq!(window_and_ttl(&world, &created_at).await, expected, "{created_at}");
        }
    });
}

#[test]
fn the_ttl_of_a_marker_is_also_the_replay_window() {
    in_world(async |mut world| {
        world.set("DEDUPE_TTL_SECONDS", "172800");
        assert_eq!(window_and_ttl(&world, &at(-172_700)).await, (Window::Inside, 172_800));
        assert_eq!(window_and_ttl(&world, &at(-172_900)).await, (Window::Outside, 172_800));
    });
}

#[test]
fn replay_refuse_refuses_only_events_outside_the_window() {
    in_world(async |mut world| {
        world.set("REPLAY", "refuse");
        let reply = world.deliver(&event(&at(-(31 * 86_400)))).await;
        assert_eq!(reply.status_and_code(), (422, "event_too_old".to_owned()));
        assert_eq!(world.stored() + world.marked(), 0);
        assert_eq!(window_and_ttl(&world, &at(-(29 * 86_400))).await.0, Window::Inside);
        assert_eq!(window_and_ttl(&world, "null").await.0, Window::Unknown);
    });
}
