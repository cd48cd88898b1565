//! The statuses, codes, outcomes and log levels of errors.

use std::time::Duration;

use cronozen_gateway::allowance::AllowanceExceeded;
use cronozen_gateway::body::BodyError;
use cronozen_gateway::dedupe::purge::{INTERVAL, PurgeProgress};
use cronozen_gateway::log::{Level, Outcome};
use cronozen_gateway::refusal::{Fault, Refusal, Rejection};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventError;
use cronozen_webhook::message::MessageTooLarge;
use cronozen_webhook::signature::SignatureError;

#[test]
fn a_refusal_has_its_status_and_code() {
    for (refusal, status, code) in [
        (Refusal::from(Rejection::NotFound), 404, "not_found"),
        (Rejection::UrlInvalid.into(), 404, "not_found"),
        (Rejection::MethodNotAllowed { allow: "POST" }.into(), 405, "method_not_allowed"),
        (Rejection::from(BodyError::TimedOut).into(), 408, "body_timeout"),
        (
            Rejection::from(BodyError::Broken(PlatformError::new("lost"))).into(),
            408,
            "body_timeout",
        ),
        (Rejection::from(BodyError::TooLarge { limit: 1 }).into(), 413, "body_too_large"),
        (Rejection::from(MessageTooLarge { found: 1 }).into(), 413, "body_too_large"),
        (Rejection::from(SignatureError::Missing).into(), 401, "invalid_signature"),
        (Rejection::from(SignatureError::Mismatch).into(), 401, "invalid_signature"),
        (Rejection::from(EventError::IdMissing).into(), 400, "invalid_event"),
        (Rejection::EventTooOld.into(), 422, "event_too_old"),
        (Rejection::TooManyFailures.into(), 429, "too_many_failures"),
        (Fault::from(AllowanceExceeded).into(), 503, "unavailable"),
        (Fault::Config(Vec::new()).into(), 500, "misconfigured"),
    ] {
        assert_eq!((refusal.status(), refusal.code()), (status, code), "{refusal}");
    }
}

#[test]
fn a_refusal_has_its_outcome_and_log_level() {
    for (refusal, outcome, level) in [
        (Refusal::from(Rejection::NotFound), Outcome::Rejected, Level::Warn),
        (Rejection::from(MessageTooLarge { found: 1 }).into(), Outcome::Rejected, Level::Error),
        (Fault::from(AllowanceExceeded).into(), Outcome::Failed, Level::Error),
        (Fault::Config(Vec::new()).into(), Outcome::Failed, Level::Error),
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
fn a_purge_continues_after_1_s_or_a_day_and_stops_for_an_empty_store() {
    assert_eq!(PurgeProgress::More.next(), Some(Duration::from_secs(1)));
    assert_eq!(PurgeProgress::Done.next(), Some(INTERVAL));
    assert_eq!(PurgeProgress::Empty.next(), None);
    assert_eq!(INTERVAL, Duration::from_secs(86_400));
}
