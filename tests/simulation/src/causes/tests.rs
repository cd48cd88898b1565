//! Trails whose causes are known.

use std::rc::Rc;

use super::*;
use crate::fate::{CallFate, Fate};
use crate::history::{Kind, LeaseRecord, LookRecord, PutRecord};
use crate::limits::MAX_LEASE;

/// Returns a delivery that looks at `start`. It sends after 100 ms, is acknowledged after 120 ms and has its marker
/// after 130 ms. The marker is visible at location 1 after 60,000 ms.
fn delivery(location: usize, start: Ms) -> Trail {
    let fate = Fate::draw(&mut fastrand::Rng::with_seed(0), 2, 4000).made_fair();
    Trail {
        arrived: Some(start),
        answered: Some((start + 150, 202)),
        entered: Some(start),
        look: Some(LookRecord { at: start, as_of: start, in_doubt: false }),
        lease: Some(LeaseRecord {
            at: start,
            disposed: Some(start + 151),
            ended: Some(start + 125),
        }),
        sent: Some(SendRecord {
            at: start + 100,
            stored: Some(start + 110),
            acknowledged: Some(start + 120),
            failed: None,
        }),
        put: Some(PutRecord {
            applied: Some(start + 130),
            visible: vec![start + 130, start + 60_000],
            ..PutRecord::new(start + 120, start + 1_000_000)
        }),
        ..Trail::new(Kind::ByHand, 0, Some(0), location, Rc::new(fate))
    }
}

fn in_kv(later: Trail, change: impl FnOnce(&mut Trail)) -> Option<Cause> {
    let mut earlier = delivery(0, 0);
    change(&mut earlier);
    cause(Mode::Kv, &earlier, &later, &[])
}

/// Returns the cause for a later delivery that looks and gets the lease at `at`.
fn in_strict(at: Ms, interruptions: &[Ms], change: impl FnOnce(&mut Trail)) -> Option<Cause> {
    let mut earlier = delivery(0, 0);
    change(&mut earlier);
    cause(Mode::Strict, &earlier, &delivery(1, at), interruptions)
}

fn acknowledged(at: Option<Ms>) -> impl Fn(&mut Trail) {
    move |trail: &mut Trail| {
        trail.sent = trail.sent.map(|sent| SendRecord { acknowledged: at, ..sent });
    }
}

fn put(change: impl Fn(&mut PutRecord)) -> impl Fn(&mut Trail) {
    move |trail: &mut Trail| {
        let put = trail.put.as_mut().unwrap();
        put.applied = None;
        change(put);
    }
}

#[test]
fn a_kv_copy_has_a_cause_only_if_its_look_up_could_miss_the_marker() {
    let unchanged = |_: &mut Trail| {};
    assert_eq!(in_kv(delivery(0, 40_000), unchanged), None);
    assert_eq!(in_kv(delivery(1, 60_001), unchanged), None);
    assert_eq!(in_kv(delivery(1, 40_000), unchanged), Some(Cause::NotVisible));
    assert_eq!(in_kv(delivery(0, 120), unchanged), Some(Cause::AtOnce));
    assert_eq!(in_kv(delivery(0, 1_000_130), unchanged), Some(Cause::Outside));
    let mut doubtful = delivery(0, 40_000);
    doubtful.look = doubtful.look.map(|look| LookRecord { in_doubt: true, ..look });
    assert_eq!(in_kv(doubtful, unchanged), Some(Cause::LookInDoubt));
    let mut cached = delivery(1, 60_010);
    cached.look = cached.look.map(|look| LookRecord { as_of: 59_000, ..look });
    assert_eq!(in_kv(cached, unchanged), Some(Cause::NotVisible));
}

#[test]
fn a_missed_acknowledgement_or_a_refused_marker_is_a_cause_in_kv_mode() {
    let later = || delivery(0, 40_000);
    assert_eq!(in_kv(later(), acknowledged(None)), Some(Cause::StoredUnacknowledged));
    assert_eq!(in_kv(later(), acknowledged(Some(28_000))), Some(Cause::StoredUnacknowledged));
    // A Worker that omits its commit has no excuse, even if the commit is late.
    let unmarked = |trail: &mut Trail| {
        acknowledged(Some(27_999))(trail);
        trail.put = None;
    };
    assert_eq!(in_kv(later(), unmarked), None);
    assert_eq!(in_kv(later(), |trail| trail.put = None), None);
    assert_eq!(in_kv(later(), put(|_| {})), Some(Cause::MarkerRefused));
}

#[test]
fn a_committed_event_is_copied_only_after_a_restart_or_when_its_row_has_expired() {
    for at in [0, 50, 124, 130, 40_000] {
        assert_eq!(in_strict(at, &[], |_| {}), None, "{at}");
    }
    assert_eq!(in_strict(1_000_000, &[], |_| {}), Some(Cause::Outside));
    assert_eq!(in_strict(128, &[122], |_| {}), Some(Cause::Restarted));
}

#[test]
fn an_unacknowledged_send_is_a_cause_only_after_its_lease() {
    let hung = |ended| {
        move |trail: &mut Trail| {
            acknowledged(None)(trail);
            trail.put = None;
            trail.lease = trail.lease.map(|lease| LeaseRecord { ended, ..lease });
        }
    };
    // The lease is held; ends too early; ends by a restart; ends in time; is held to its limit, and runs out.
    assert_eq!(in_strict(9000, &[], hung(None)), None);
    assert_eq!(in_strict(9000, &[], hung(Some(8000))), None);
    assert_eq!(in_strict(9000, &[7000], hung(Some(7000))), Some(Cause::Restarted));
    assert_eq!(in_strict(30_000, &[], hung(Some(28_001))), Some(Cause::StoredUnacknowledged));
    assert_eq!(in_strict(MAX_LEASE - 1, &[], hung(None)), None);
    assert_eq!(in_strict(MAX_LEASE, &[], hung(None)), Some(Cause::StoredUnacknowledged));
}

#[test]
fn a_failed_commit_is_a_cause_until_its_mark_is_durable() {
    let failed =
        |marked_again| put(move |put| (put.failed, put.marked_again) = (Some(200), marked_again));
    assert_eq!(in_strict(9000, &[], put(|_| {})), None);
    // The object has restarted, so the Worker marks without its lease.
    assert_eq!(in_strict(210, &[122], failed(Some(200))), Some(Cause::Restarted));
    assert_eq!(in_strict(9000, &[122], failed(Some(200))), None);
    assert_eq!(in_strict(9000, &[122, 201], failed(Some(200))), Some(Cause::Restarted));
    assert_eq!(in_strict(9000, &[122], failed(None)), None);
    assert_eq!(in_strict(9000, &[122], failed(Some(300))), None);
    // The calls are refused.
    let refused = |mark_again| {
        move |trail: &mut Trail| {
            failed(Some(200))(trail);
            let fate = Fate::clone(&trail.fate);
            trail.fate = Rc::new(Fate { commit: CallFate::Refused, mark_again, ..fate });
        }
    };
    let works = CallFate::Works { back: 20 };
    assert_eq!(in_strict(210, &[], refused(works)), Some(Cause::MarkerRefused));
    assert_eq!(in_strict(9000, &[], refused(works)), None);
    assert_eq!(in_strict(9000, &[], refused(CallFate::Lost)), Some(Cause::MarkerRefused));
}
