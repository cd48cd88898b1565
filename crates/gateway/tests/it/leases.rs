//! Leases of events: how long a lease lasts, how long a delivery waits for it, and what ends it.

use std::time::Duration;

use cronozen_gateway::budget::LATE_WORK_LIMIT;
use cronozen_gateway::dedupe::lease::{Decision, MAX_EVENT_WAITERS, MAX_LEASE};
use cronozen_gateway::dedupe::shard::Shards;
use cronozen_gateway::log::Outcome;
use cronozen_webhook::event::EventId;
use tokio::time::sleep;

use crate::strict::{EVENT, OTHER, deliver_at_once, in_strict_world, in_strict_worlds, ms};
use crate::world::{Behaviour, signed};

#[test]
fn a_waiter_gives_up_after_half_of_its_deadline() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Hangs);
        let first = async {
            let reply = world.deliver(EVENT).await;
            assert_eq!(reply.answer.status, 503);
            let took = ms(reply.took);
            assert!((deadline - 250..=deadline - 248).contains(&took), "{took}");
        };
        let waiter = async {
            sleep(Duration::from_millis(20)).await;
            let mut request = signed(EVENT);
            // The half begins at the arrival, so it includes the time for the body.
            request.body.pieces[0].0 = deadline / 4;
            let reply = world.serve(request).await;
            assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()));
            let took = ms(reply.took);
            assert!((deadline / 2..=deadline / 2 + 2).contains(&took), "{took}");
        };
        tokio::join!(first, waiter);
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn a_late_send_that_succeeds_is_committed_and_answers_the_waiter() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline + 1500));
        let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 503) };
        let second = async {
            sleep(Duration::from_millis(deadline + 1300)).await;
            let reply = world.deliver(EVENT).await;
            assert_eq!(reply.answer.status, 200, "the event is in the queue by now");
            assert!(reply.took < Duration::from_millis(250), "{:?}", reply.took);
        };
        tokio::join!(first, second);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::LateCommit, Outcome::Duplicate]);
    });
}

#[test]
fn a_late_send_that_fails_releases_the_lease() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Fails(deadline + 3000));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        world.queue.send.set(Behaviour::Works(5));
        assert_eq!(world.deliver(EVENT).await.answer.status, 503, "it is leased");
        sleep(Duration::from_secs(10)).await;
        assert_eq!(world.logged(), [Outcome::Failed, Outcome::Failed, Outcome::LateSendFailed]);
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
    });
}

#[test]
fn a_hung_send_times_out_so_that_the_second_attempt_sends_again() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Hangs);
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        world.queue.send.set(Behaviour::Works(5));
        // The first delivery was answered 250 ms before its deadline.
        sleep(LATE_WORK_LIMIT - Duration::from_millis(deadline + deadline / 2 + 100)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 503, "it is leased");
        sleep(Duration::from_millis(360)).await;
        let (_, record) = world.last_record();
        assert_eq!(record.outcome, Outcome::LateSendFailed);
        let reason = "no answer within 28000 ms of the delivery's arrival";
        assert_eq!(record.reason.as_deref(), Some(reason));
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!((world.stored(), world.marked()), (1, 1));
    });
}

#[test]
fn a_lease_runs_out_if_its_holder_stops() {
    in_strict_worlds(async |world, deadline| {
        let event_id = EventId::new("evt_1".to_owned()).unwrap();
        let wait = Duration::from_secs(1);
        let decision = world.shards.acquire(0, &event_id, false, wait).await.unwrap();
        let Decision::Lease(lease) = decision else { panic!("{decision:?}") };
        std::mem::forget(lease);
        sleep(MAX_LEASE - Duration::from_millis(deadline)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 503);
        sleep(Duration::from_millis(deadline / 2)).await;
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
    });
}

#[test]
fn the_release_of_a_lease_that_has_run_out_does_not_end_the_next_lease() {
    in_strict_worlds(async |world, deadline| {
        let event_id = EventId::new("evt_1".to_owned()).unwrap();
        let wait = Duration::from_secs(1);
        let decision = world.shards.acquire(0, &event_id, false, wait).await.unwrap();
        let Decision::Lease(old) = decision else { panic!("{decision:?}") };
        sleep(MAX_LEASE).await;
        world.queue.send.set(Behaviour::Works(deadline / 2));
        let next = async { assert_eq!(world.deliver(EVENT).await.answer.status, 202) };
        let waiter = async {
            sleep(Duration::from_millis(100)).await;
            drop(old);
            sleep(Duration::from_millis(50)).await;
            assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        };
        tokio::join!(next, waiter);
        assert_eq!(world.stored(), 1, "the waiter sends nothing");
    });
}

#[test]
fn a_shard_that_restarts_during_a_lease_still_gets_the_row() {
    in_strict_worlds(async |world, _| {
        world.queue.send.set(Behaviour::Works(300));
        let first = async { assert_eq!(world.deliver(EVENT).await.answer.status, 202) };
        let restart = async {
            sleep(Duration::from_millis(100)).await;
            world.shards.restart();
        };
        tokio::join!(first, restart);
        assert_eq!((world.stored(), world.marked()), (1, 1));
        assert_eq!(world.deliver(EVENT).await.answer.status, 200);
        assert!(!world.logged().contains(&Outcome::MarkerFailed));
    });
}

#[test]
fn a_second_call_writes_the_row_if_a_commit_fails_or_hangs() {
    for (commit, wait_ms) in [(Behaviour::Fails(5), 100), (Behaviour::Hangs, 5100)] {
        in_strict_world(async |world| {
            world.shards.commit.set(commit);
            assert_eq!(world.deliver(EVENT).await.answer.status, 202);
            sleep(Duration::from_millis(wait_ms)).await;
            assert_eq!((world.stored(), world.marked()), (1, 1), "{commit:?}");
            assert_eq!(world.deliver(EVENT).await.answer.status, 200);
            assert!(!world.logged().contains(&Outcome::MarkerFailed));
        });
    }
}

#[test]
fn waiting_deliveries_are_capped_and_do_not_block_other_events() {
    in_strict_worlds(async |world, deadline| {
        world.queue.send.set(Behaviour::Works(deadline / 4));
        let crowd = deliver_at_once(&world, 1000);
        let other = async {
            sleep(Duration::from_millis(100)).await;
            world.queue.send.set(Behaviour::Works(5));
            let reply = world.deliver(OTHER).await;
            assert_eq!(reply.answer.status, 202);
            assert!(reply.took < Duration::from_millis(30), "{:?}", reply.took);
            let refused = world.deliver(EVENT).await;
            assert_eq!(refused.status_and_code(), (503, "unavailable".to_owned()));
            assert!(refused.took < Duration::from_millis(30), "{:?}", refused.took);
            let (_, record) = world.last_record();
            assert_eq!(record.reason.as_deref(), Some("too many deliveries wait for a lease"));
        };
        let (mut statuses, ()) = tokio::join!(crowd, other);
        statuses.sort_unstable();
        let count = |status| statuses.iter().filter(|found| **found == status).count();
        assert_eq!((count(202), count(200)), (1, MAX_EVENT_WAITERS));
        assert_eq!(count(503), 1000 - 1 - MAX_EVENT_WAITERS);
        assert_eq!(world.stored(), 2);
    });
}
