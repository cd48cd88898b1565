//! The answer to the sender.

use serde::Serialize;

use crate::refusal::{Fault, Refusal, Rejection};
use crate::settings::{ConfigError, DedupeMode, Settings};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::MAX_MESSAGE_BYTES;

/// The value of `Retry-After`, in seconds. The sender's schedule waits at least this long before its second attempt.
const RETRY_AFTER_SECONDS: u32 = 30;

/// The status of a delivery that may be accepted later. Only its answer has `Retry-After`.
const UNAVAILABLE: u16 = 503;

const JSON: &str = "application/json";

/// The content type of RFC 9457.
const PROBLEM_JSON: &str = "application/problem+json";

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `Allow`, if there is one.
    pub allow: Option<&'static str>,
    /// The value of `Retry-After`, in seconds, if there is one.
    pub retry_after: Option<u32>,
    /// A JSON object.
    pub body: String,
}

#[derive(Serialize)]
struct Success<'a> {
    status: &'a str,
    #[serde(rename = "eventId")]
    event_id: &'a EventId,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<&'a [ConfigError]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hints: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    status: &'a str,
    version: &'a str,
    dedupe: DedupeMode,
    max_body_bytes: usize,
    max_message_bytes: usize,
    /// The number of active secrets. Several are active while a secret is being rotated, or if several registrations share
    /// the gateway.
    secrets: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hints: &'a [String],
}

impl Answer {
    /// Returns the answer for an event that is in the queue.
    #[must_use]
    pub fn accepted(event_id: &EventId) -> Self {
        Self::json(202, JSON, &Success { status: "accepted", event_id })
    }

    /// Returns the answer for an event that has been seen before.
    #[must_use]
    pub fn duplicate(event_id: &EventId) -> Self {
        Self::json(200, JSON, &Success { status: "duplicate", event_id })
    }

    /// Returns the answer for a request that is not acknowledged.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::problem(refusal, None, &[])
    }

    /// Returns the health of a gateway with these settings. The `hints` are for names that are nearly those of settings.
    #[must_use]
    pub fn healthy(settings: &Settings, hints: &[String]) -> Self {
        let health = Health {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            dedupe: settings.dedupe,
            max_body_bytes: settings.max_body_bytes,
            max_message_bytes: MAX_MESSAGE_BYTES,
            secrets: settings.secrets.count(),
            hints,
        };
        Self::json(200, JSON, &health)
    }

    /// Returns the health of a gateway with missing or wrong settings or bindings. Lists them and the `hints`.
    #[must_use]
    pub fn unhealthy(errors: Vec<ConfigError>, hints: &[String]) -> Self {
        let problems = errors.clone();
        Self::problem(&Fault::Config(errors).into(), Some(&problems), hints)
    }

    fn problem(refusal: &Refusal, problems: Option<&[ConfigError]>, hints: &[String]) -> Self {
        let status = refusal.status();
        let problem = Problem {
            r#type: "about:blank",
            title: title(status),
            status,
            code: refusal.code(),
            detail: refusal.detail(),
            problems,
            hints,
        };
        let mut answer = Self::json(status, PROBLEM_JSON, &problem);
        if let Refusal::Rejection(Rejection::MethodNotAllowed { allow }) = refusal {
            answer.allow = Some(allow);
        }
        if status == UNAVAILABLE {
            answer.retry_after = Some(RETRY_AFTER_SECONDS);
        }
        answer
    }

    fn json(status: u16, content_type: &'static str, body: &impl Serialize) -> Self {
        // These types always serialise, so the body is never empty.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { status, content_type, allow: None, retry_after: None, body }
    }
}

/// Returns the phrase of the status, which RFC 9457 recommends with the type `about:blank`.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        UNAVAILABLE => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
