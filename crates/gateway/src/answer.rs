//! What the sender gets back.

use serde::Serialize;

use crate::refusal::{Fault, Refusal, Rejection};
use crate::settings::{ConfigError, DedupeMode, Settings};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::MAX_MESSAGE_BYTES;

/// The sender's own schedule waits at least this long before its second attempt, in seconds.
const RETRY_AFTER_SECONDS: u32 = 30;

const JSON: &str = "application/json";

/// RFC 9457.
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
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    status: &'a str,
    version: &'a str,
    dedupe: DedupeMode,
    max_body_bytes: usize,
    max_message_bytes: usize,
}

impl Answer {
    /// The event is in the queue.
    #[must_use]
    pub fn accepted(event_id: &EventId) -> Self {
        Self::json(202, JSON, &Success { status: "accepted", event_id })
    }

    /// The event has been seen before.
    #[must_use]
    pub fn duplicate(event_id: &EventId) -> Self {
        Self::json(200, JSON, &Success { status: "duplicate", event_id })
    }

    /// The event is not acknowledged.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::problem(refusal, None)
    }

    /// The gateway is set up, with these settings.
    #[must_use]
    pub fn healthy(settings: &Settings) -> Self {
        let health = Health {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            dedupe: settings.dedupe,
            max_body_bytes: settings.max_body_bytes,
            max_message_bytes: MAX_MESSAGE_BYTES,
        };
        Self::json(200, JSON, &health)
    }

    /// The gateway is not set up; says what is missing or wrong.
    #[must_use]
    pub fn unhealthy(errors: Vec<ConfigError>) -> Self {
        let problems = errors.clone();
        Self::problem(&Fault::Config(errors).into(), Some(&problems))
    }

    fn problem(refusal: &Refusal, problems: Option<&[ConfigError]>) -> Self {
        let status = refusal.status();
        let problem = Problem {
            r#type: "about:blank",
            title: title(status),
            status,
            code: refusal.code(),
            detail: refusal.detail(),
            problems,
        };
        let mut answer = Self::json(status, PROBLEM_JSON, &problem);
        match refusal {
            Refusal::Rejection(Rejection::MethodNotAllowed { allow }) => answer.allow = Some(allow),
            Refusal::Fault(Fault::AllowanceExceeded(_) | Fault::Commit(_)) => {
                answer.retry_after = Some(RETRY_AFTER_SECONDS);
            }
            _ => {}
        }
        answer
    }

    fn json(status: u16, content_type: &'static str, body: &impl Serialize) -> Self {
        // These types always serialise, so the empty body never comes.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { status, content_type, allow: None, retry_after: None, body }
    }
}

/// The status's own phrase, as RFC 9457 wants it beside the type `about:blank`.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
