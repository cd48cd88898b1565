//! What can go wrong with a delivery: the sender's fault ([`Rejection`]) or ours ([`Fault`]).
//!
//! An error's `Display` is the precise reason, for the log. What the sender is told is `detail`.

use core::time::Duration;

use thiserror::Error;

use crate::allowance::AllowanceExceeded;
use crate::event::EventError;
use crate::log::{Level, Outcome};
use crate::message::MessageTooLarge;
use crate::settings::{HEALTH_PATH, Misconfigured};
use crate::signature::SignatureError;

/// The longest text of a platform's error that is kept, in characters.
const MAX_PLATFORM_ERROR_CHARACTERS: usize = 200;

/// A body that is larger than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a body of at most {limit} bytes, got more")]
pub struct BodyTooLarge {
    /// The cap, in bytes.
    pub limit: usize,
}

/// The sender's fault, or its connection's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The path is not the webhook's.
    #[error("nothing is served at this path")]
    NotFound,
    /// The request has no URL that can be parsed, so it has no path.
    #[error("request URL invalid: the Host header does not make one")]
    UrlInvalid,
    /// The path is served, with other methods.
    #[error("expected the method {allow}, got another one")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// The body did not come in time.
    #[error("expected the whole body in time, got only a part of it")]
    BodyTimeout,
    /// The body ended before it was whole.
    #[error("expected the whole body, got an error: {0}")]
    BodyBroken(PlatformError),
    /// The body is larger than the cap.
    #[error(transparent)]
    BodyTooLarge(#[from] BodyTooLarge),
    /// The event is signed, but its message is larger than the queue takes.
    #[error(transparent)]
    MessageTooLarge(#[from] MessageTooLarge),
    /// The signature is missing, malformed or wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The body is signed, but is no event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event lies outside the replay window, and the settings refuse that.
    #[error("expected a createdAt inside the replay window, got an older one")]
    EventTooOld,
}

impl Rejection {
    /// The stable name of the rejection, for the owner's programs: unlike [`Refusal::code`], which the
    /// sender is told, it says what is wrong with a signature.
    #[must_use]
    pub fn precise_code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            other => other.status_and_code().1,
        }
    }

    /// The answers table, as far as it is the sender's fault.
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Event(_) => (400, "invalid_event"),
            Self::Signature(_) => (401, "invalid_signature"),
            Self::NotFound | Self::UrlInvalid => (404, "not_found"),
            Self::MethodNotAllowed { .. } => (405, "method_not_allowed"),
            Self::BodyTimeout | Self::BodyBroken(_) => (408, "body_timeout"),
            Self::BodyTooLarge(_) | Self::MessageTooLarge(_) => (413, "body_too_large"),
            Self::EventTooOld => (422, "event_too_old"),
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status_and_code().0
    }
}

/// Our fault: the same delivery may be accepted later.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Settings or bindings are missing or wrong; at least one.
    #[error("{}", list(.0))]
    Misconfigured(Vec<Misconfigured>),
    /// The event is not known to be in the queue.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an event is not known to be in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// The queue refused the message.
    #[error("expected the queue to take the message, got an error: {0}")]
    QueueFailed(PlatformError),
    /// The queue gave no answer in time. The message may still be stored.
    #[error("expected the queue to answer within {} ms, got no answer", .0.as_millis())]
    QueueTimedOut(Duration),
    /// The store of bodies refused one. Nothing has been sent.
    #[error("expected the bucket to take the body, got an error: {0}")]
    BodyStoreFailed(PlatformError),
    /// The store of bodies gave no answer in time. Nothing has been sent.
    #[error("expected the bucket to take the body within {} ms, got no answer", .0.as_millis())]
    BodyStoreTimedOut(Duration),
    /// Too many deliveries wait for a lease already.
    #[error("too many deliveries wait for a lease")]
    TooManyWaiters,
    /// Too many bodies are held already.
    #[error(transparent)]
    AllowanceExceeded(#[from] AllowanceExceeded),
    /// The deduper could not be reached, was overloaded, or ended.
    #[error("deduper failed: {0}")]
    DeduperFailed(PlatformError),
    /// The deduper gave no answer in time, or another delivery had the event's lease for all of it.
    #[error("deduper granted no lease within {} ms", .0.as_millis())]
    DeduperTimedOut(Duration),
}

/// What the platform said when a binding or a body failed: the first line of its message, cut short,
/// because the rest may be a stack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PlatformError(String);

impl PlatformError {
    /// Keeps what may be logged of the platform's `message`.
    #[must_use]
    pub fn new(message: &str) -> Self {
        let line = message.lines().next().unwrap_or_default();
        Self(line.chars().take(MAX_PLATFORM_ERROR_CHARACTERS).collect())
    }
}

/// Any reason for not acknowledging a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The sender's fault.
    #[error(transparent)]
    Rejection(#[from] Rejection),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal {
    /// Whose fault it is, for the log.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Rejection(_) => Outcome::Rejected,
            Self::Fault(_) => Outcome::Failed,
        }
    }

    /// How much it matters. A signed event that does not fit will be lost unless somebody acts.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Rejection(Rejection::MessageTooLarge(_)) | Self::Fault(_) => Level::Error,
            Self::Rejection(_) => Level::Warn,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status_and_code().0
    }

    /// The stable name of the outcome, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// The answers table.
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Rejection(rejection) => rejection.status_and_code(),
            Self::Fault(Fault::Misconfigured(_)) => (500, "misconfigured"),
            Self::Fault(Fault::Unavailable(_)) => (503, "unavailable"),
        }
    }

    /// What the sender is told. A forger learns nothing from it, and it names none of our parts.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Rejection(Rejection::Signature(_)) => "the signature did not verify".to_owned(),
            Self::Rejection(Rejection::BodyBroken(_)) => Rejection::BodyTimeout.to_string(),
            Self::Rejection(Rejection::UrlInvalid) => Rejection::NotFound.to_string(),
            Self::Rejection(rejection) => rejection.to_string(),
            Self::Fault(Fault::Misconfigured(_)) => {
                format!("the gateway is not set up; {HEALTH_PATH} says what is missing")
            }
            Self::Fault(Fault::Unavailable(_)) => {
                "the event could not be queued in time; send it again".to_owned()
            }
        }
    }
}

fn list(wrong: &[Misconfigured]) -> String {
    let wrong: Vec<String> = wrong.iter().map(Misconfigured::to_string).collect();
    wrong.join("; ")
}
