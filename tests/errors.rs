//! What errors say to programs: statuses and codes.

#![allow(clippy::pedantic, clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use cronozen_edge::dedupe::purge::{AfterBatch, INTERVAL};
use cronozen_edge::error::{BodyTooLarge, Fault, PlatformError, Refusal, Rejection, Unavailable};
use cronozen_edge::event::EventError;
use cronozen_edge::log::{Level, Outcome};
use cronozen_edge::message::MessageTooLarge;
use cronozen_edge::signature::SignatureError;

#[test]
fn a_rejection_has_its_status_and_a_precise_code() {
    for (rejection, status, code) in [
        (Rejection::NotFound, 404, "not_found"),
        (Rejection::UrlInvalid, 404, "not_found"),
        (Rejection::MethodNotAllowed { allow: "POST" }, 405, "method_not_allowed"),
        (Rejection::BodyTimeout, 408, "body_timeout"),
        (Rejection::BodyBroken(PlatformError::new("lost")), 408, "body_timeout"),
        (BodyTooLarge { limit: 1 }.into(), 413, "body_too_large"),
        (MessageTooLarge { found: 1 }.into(), 413, "body_too_large"),
        (SignatureError::Missing.into(), 401, "signature_missing"),
        (SignatureError::Mismatch.into(), 401, "signature_mismatch"),
        (EventError::IdMissing.into(), 400, "invalid_event"),
        (Rejection::EventTooOld, 422, "event_too_old"),
    ] {
        assert_eq!(rejection.status(), status, "{rejection}");
        assert_eq!(rejection.precise_code(), code, "{rejection}");
        assert_eq!(Refusal::from(rejection.clone()).status(), status);
        let public = if status == 401 { "invalid_signature" } else { code };
        assert_eq!(Refusal::from(rejection).code(), public);
    }
}

#[test]
fn a_refusal_says_whose_fault_it_is_and_how_much_it_matters() {
    for (refusal, outcome, level) in [
        (Refusal::from(Rejection::NotFound), Outcome::Rejected, Level::Warn),
        (Rejection::from(MessageTooLarge { found: 1 }).into(), Outcome::Rejected, Level::Error),
        (Fault::from(Unavailable::TooManyWaiters).into(), Outcome::Failed, Level::Error),
        (Fault::Misconfigured(Vec::new()).into(), Outcome::Failed, Level::Error),
    ] {
        assert_eq!((refusal.outcome(), refusal.level()), (outcome, level), "{refusal}");
    }
}

#[test]
fn a_platform_error_keeps_the_start_of_its_first_line() {
    assert_eq!(PlatformError::new("failed\n    at stack").to_string(), "failed");
    assert_eq!(PlatformError::new(&"x".repeat(500)).to_string(), "x".repeat(200));
}

#[test]
fn a_purge_goes_on_soon_or_waits_for_a_day_or_for_an_event() {
    assert_eq!(AfterBatch::More.next(), Some(Duration::from_secs(1)));
    assert_eq!(AfterBatch::Done.next(), Some(INTERVAL));
    assert_eq!(AfterBatch::Empty.next(), None);
    assert_eq!(INTERVAL, Duration::from_secs(86_400));
}
