//! Every combination of failures of the store and the queue, and the guarantees that still hold: a failed send leaves
//! no marker, a failed marker does not prevent a 2xx, and the answer comes by the deadline whatever hangs.

use std::time::Duration;

use cronozen_gateway::log::{Level, Outcome};
use tokio::time::sleep;

use crate::world::{Behaviour, World, in_world};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

/// A delay that is longer than any deadline, and within the 30 s for which work may continue after the answer.
const LATE_MS: u64 = 7000;

const LOOK_UP_BEHAVIOURS: [Behaviour; 5] = [
    Behaviour::Works(5),
    Behaviour::Works(LATE_MS),
    Behaviour::Fails(5),
    Behaviour::Fails(LATE_MS),
    Behaviour::Hangs,
];
const SEND_AND_MARK_BEHAVIOURS: [Behaviour; 6] = [
    Behaviour::Works(5),
    Behaviour::Works(LATE_MS),
    Behaviour::Fails(5),
    Behaviour::WorksThenFails(5),
    Behaviour::Fails(LATE_MS),
    Behaviour::Hangs,
];

fn set_behaviours(world: &World, look: Behaviour, send: Behaviour, mark: Behaviour) {
    world.store.look.set(look);
    world.queue.send.set(send);
    world.store.mark.set(mark);
}

async fn check_combination(
    deadline_ms: u64,
    world: &World,
    look: Behaviour,
    send: Behaviour,
    mark: Behaviour,
) {
    let case = format!("{look:?}, {send:?}, {mark:?}, deadline {deadline_ms}");
    set_behaviours(world, look, send, mark);
    let reply = world.deliver(EVENT).await;

    assert!(reply.took <= Duration::from_millis(deadline_ms + 1), "{case}: {:?}", reply.took);
    let status = reply.answer.status;
    assert_eq!(status, if send == Behaviour::Works(5) { 202 } else { 503 }, "{case}");
    if status == 202 {
        assert_eq!(world.stored(), 1, "a 2xx means that the event is in the queue: {case}");
        let look_up_failed = look != Behaviour::Works(5);
        let dedupe = if look_up_failed { r#""dedupe":"unknown""# } else { r#""dedupe":"new""# };
        assert!(world.queue.stored.borrow()[0].contains(dedupe), "{case}");
        let (level, record) = world
            .log
            .borrow()
            .iter()
            .find(|(_, r)| r.outcome == Outcome::Accepted)
            .cloned()
            .unwrap();
        assert_eq!(level, if look_up_failed { Level::Warn } else { Level::Info }, "{case}");
        assert_eq!(record.reason.is_some(), look_up_failed, "{case}");
    } else {
        assert_eq!(world.marked(), 0, "no marker before the queue has acknowledged: {case}");
    }

    // All work after the answer ends within this time.
    sleep(Duration::from_secs(30)).await;
    let sent = matches!(send, Behaviour::Works(_));
    let marked = matches!(mark, Behaviour::Works(_) | Behaviour::WorksThenFails(_));
    assert_eq!(world.marked(), usize::from(sent && marked), "{case}");
    let late_outcome = match (send, mark) {
        // A send or a marker that hangs times out 28 s after the arrival.
        (Behaviour::Hangs, _) => Some(Outcome::LateSendFailed),
        (Behaviour::Works(_), Behaviour::Hangs) => Some(Outcome::MarkerFailed),
        (Behaviour::Works(LATE_MS), Behaviour::Works(_)) => Some(Outcome::LateCommit),
        (Behaviour::Fails(LATE_MS), _) => Some(Outcome::LateSendFailed),
        (Behaviour::Works(_), Behaviour::Fails(_) | Behaviour::WorksThenFails(_)) => {
            Some(Outcome::MarkerFailed)
        }
        _ => None,
    };
    let mut logged = world.logged();
    logged.retain(|outcome| !matches!(outcome, Outcome::Accepted | Outcome::Failed));
    assert_eq!(logged, Vec::from_iter(late_outcome), "{case}");
}

#[test]
fn the_guarantees_hold_in_every_combination_of_failures() {
    let mut cases = 0;
    for deadline_ms in [1000, 4000, 4500] {
        for look in LOOK_UP_BEHAVIOURS {
            for send in SEND_AND_MARK_BEHAVIOURS {
                for mark in SEND_AND_MARK_BEHAVIOURS {
                    cases += 1;
                    in_world(async |mut world| {
                        world.set("DEADLINE_MS", &deadline_ms.to_string());
                        check_combination(deadline_ms, &world, look, send, mark).await;
                    });
                }
            }
        }
    }
    assert_eq!(cases, 540);
}

#[test]
fn every_step_keeps_to_its_time_limit() {
    for deadline in [1000, 4000, 4500] {
        let elapsed = |look, send, mark| {
            let mut took = Duration::ZERO;
            in_world(async |mut world| {
                world.set("DEADLINE_MS", &deadline.to_string());
                set_behaviours(&world, look, send, mark);
                took = world.deliver(EVENT).await.took;
            });
            u64::try_from(took.as_millis()).unwrap()
        };
        let works = Behaviour::Works(0);
        let check = |took: u64, expected: u64| {
            assert!((expected..=expected + 2).contains(&took), "{took} of {expected}, {deadline}");
        };
        check(elapsed(works, works, works), 0);
        // A look-up may take at most 1/8 of the deadline.
        check(elapsed(Behaviour::Works(deadline / 8 - 1), works, works), deadline / 8 - 1);
        check(elapsed(Behaviour::Hangs, works, works), deadline / 8);
        // A send may last until 250 ms before the deadline, even if the look-up times out.
        check(elapsed(works, Behaviour::Works(deadline - 251), works), deadline - 251);
        check(elapsed(works, Behaviour::Hangs, works), deadline - 250);
        check(elapsed(Behaviour::Hangs, Behaviour::Hangs, works), deadline - 250);
        // The answer waits for the marker for at most 250 ms.
        check(elapsed(works, works, Behaviour::Hangs), 250);
        check(elapsed(works, Behaviour::Works(deadline - 251), Behaviour::Hangs), deadline - 1);
    }
}

#[test]
fn a_late_commit_makes_the_retry_a_duplicate() {
    in_world(async |world| {
        world.queue.send.set(Behaviour::Works(LATE_MS));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        assert_eq!((world.stored(), world.marked()), (0, 0));
        sleep(Duration::from_secs(30)).await;
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::LateCommit]);
        let (_, record) = world.last_record();
        // The look-up and the marker take 5 ms each.
        assert_eq!(record.ms, LATE_MS + 5 + 5);
        assert_eq!(record.event_id.unwrap().as_str(), "evt_1");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.stored(), 1);
    });
}

#[test]
fn a_retry_after_a_failed_marker_is_queued_again() {
    in_world(async |world| {
        world.store.mark.set(Behaviour::Fails(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.logged(), [Outcome::MarkerFailed, Outcome::Accepted]);
        assert_eq!(world.log.borrow()[0].0, Level::Error);
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.stored(), 2);
    });
}

#[test]
fn an_event_listed_in_forget_is_accepted_again() {
    in_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", " evt_0\nevt_1 evt_2 ");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "evt_0");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.stored(), 2);
    });
}
