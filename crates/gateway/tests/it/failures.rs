//! Every order of failure: what a store and a queue can do to a delivery, and what must hold all the
//! same. After a failed send there is no marker; after a failed marker there is a 2xx; the answer comes
//! by the deadline whatever hangs.

use std::time::Duration;

use cronozen_gateway::log::{Level, Outcome};
use tokio::time::sleep;

use crate::world::{Behaviour, World, in_world};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

/// Longer than any deadline, within the 30 s that work may go on after the answer.
const LATE_MS: u64 = 7000;

const LOOKS: [Behaviour; 5] = [
    Behaviour::Works(5),
    Behaviour::Works(LATE_MS),
    Behaviour::Fails(5),
    Behaviour::Fails(LATE_MS),
    Behaviour::Hangs,
];
const SENDS_AND_MARKS: [Behaviour; 6] = [
    Behaviour::Works(5),
    Behaviour::Works(LATE_MS),
    Behaviour::Fails(5),
    Behaviour::WorksThenFails(5),
    Behaviour::Fails(LATE_MS),
    Behaviour::Hangs,
];

fn behave(world: &World, look: Behaviour, send: Behaviour, mark: Behaviour) {
    world.store.look.set(look);
    world.queue.send.set(send);
    world.store.mark.set(mark);
}

async fn in_every_order(
    deadline_ms: u64,
    world: &World,
    look: Behaviour,
    send: Behaviour,
    mark: Behaviour,
) {
    let case = format!("{look:?}, {send:?}, {mark:?}, deadline {deadline_ms}");
    behave(world, look, send, mark);
    let reply = world.deliver(EVENT).await;

    assert!(reply.took <= Duration::from_millis(deadline_ms + 1), "{case}: {:?}", reply.took);
    let status = reply.answer.status;
    assert_eq!(status, if send == Behaviour::Works(5) { 202 } else { 503 }, "{case}");
    if status == 202 {
        assert_eq!(world.stored(), 1, "a 2xx means that the event is in the queue: {case}");
        let doubtful = look != Behaviour::Works(5);
        let word = if doubtful { r#""dedupe":"unknown""# } else { r#""dedupe":"new""# };
        assert!(world.queue.stored.borrow()[0].contains(word), "{case}");
        let (level, record) = world
            .log
            .borrow()
            .iter()
            .find(|(_, r)| r.outcome == Outcome::Accepted)
            .cloned()
            .unwrap();
        assert_eq!(level, if doubtful { Level::Warn } else { Level::Info }, "{case}");
        assert_eq!(record.reason.is_some(), doubtful, "{case}");
    } else {
        assert_eq!(world.marked(), 0, "no marker before the queue has acknowledged: {case}");
    }

    // Everything that goes on after the answer comes to its end.
    sleep(Duration::from_secs(30)).await;
    let sent = matches!(send, Behaviour::Works(_));
    let marks = matches!(mark, Behaviour::Works(_) | Behaviour::WorksThenFails(_));
    assert_eq!(world.marked(), usize::from(sent && marks), "{case}");
    let late = match (send, mark) {
        // What hangs is given up after 28 s.
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
    assert_eq!(logged, Vec::from_iter(late), "{case}");
}

#[test]
fn every_order_of_failure() {
    let mut cases = 0;
    for deadline_ms in [1000, 4000, 4500] {
        for look in LOOKS {
            for send in SENDS_AND_MARKS {
                for mark in SENDS_AND_MARKS {
                    cases += 1;
                    in_world(async |mut world| {
                        world.set("DEADLINE_MS", &deadline_ms.to_string());
                        in_every_order(deadline_ms, &world, look, send, mark).await;
                    });
                }
            }
        }
    }
    assert_eq!(cases, 540);
}

#[test]
fn budgets() {
    for deadline in [1000, 4000, 4500] {
        let took = |look, send, mark| {
            let mut took = Duration::ZERO;
            in_world(async |mut world| {
                world.set("DEADLINE_MS", &deadline.to_string());
                behave(&world, look, send, mark);
                took = world.deliver(EVENT).await.took;
            });
            u64::try_from(took.as_millis()).unwrap()
        };
        let works = Behaviour::Works(0);
        let near = |took: u64, expected: u64| {
            assert!((expected..=expected + 2).contains(&took), "{took} of {expected}, {deadline}");
        };
        near(took(works, works, works), 0);
        // A look-up gets 1/8 of the deadline, and no more.
        near(took(Behaviour::Works(deadline / 8 - 1), works, works), deadline / 8 - 1);
        near(took(Behaviour::Hangs, works, works), deadline / 8);
        // A send gets until 250 ms before the deadline, whether the look-up took its time or not.
        near(took(works, Behaviour::Works(deadline - 251), works), deadline - 251);
        near(took(works, Behaviour::Hangs, works), deadline - 250);
        near(took(Behaviour::Hangs, Behaviour::Hangs, works), deadline - 250);
        // A marker is awaited for 250 ms.
        near(took(works, works, Behaviour::Hangs), 250);
        near(took(works, Behaviour::Works(deadline - 251), Behaviour::Hangs), deadline - 1);
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
        assert_eq!(record.ms, LATE_MS + 5 + 5);
        assert_eq!(record.event_id.unwrap().as_str(), "evt_1");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.stored(), 1);
    });
}

#[test]
fn a_retry_after_a_failed_marker_is_queued_again_rather_than_lost() {
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
fn a_forgotten_event_is_let_through_again() {
    in_world(async |mut world| {
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", " evt_0\nevt_1 evt_2 ");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.set("FORGET", "evt_0");
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert_eq!(world.stored(), 2);
    });
}
