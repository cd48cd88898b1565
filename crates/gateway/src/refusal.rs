//! The reasons for refusing a request: a fault of the sender ([`Rejection`]) or of the gateway ([`Fault`]).
//!
//! The `Display` text of a refusal is the precise reason, for the log. The sender gets [`Refusal::detail`].

use thiserror::Error;

use crate::allowance::AllowanceExceeded;
use crate::body::{BodyError, ReadError};
use crate::commit::CommitError;
use crate::configuration::HEALTH_PATH;
use crate::log::{Level, Outcome};
use crate::settings::ConfigError;
use cronozen_webhook::event::EventError;
use cronozen_webhook::message::MessageTooLarge;
use cronozen_webhook::signature::SignatureError;

/// The code of a delivery whose address has exhausted the limit on failures.
pub(crate) const TOO_MANY_FAILURES: &str = "too_many_failures";

/// A fault of the sender or of its connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The path is not the webhook's.
    #[error("nothing is served at this path")]
    NotFound,
    /// The request has no URL that can be parsed, so it has no path.
    #[error("request URL invalid: the Host header is malformed")]
    UrlInvalid,
    /// The path is served, but not for this method.
    #[error("method not allowed (allowed: {allow})")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// The body was not read to its end.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The event is signed, but its message is larger than the queue accepts.
    #[error(transparent)]
    MessageTooLarge(#[from] MessageTooLarge),
    /// The signature is missing, malformed or wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature is missing, malformed or wrong, as too often before from this address.
    #[error("too many failed signatures from this address; try again in a minute")]
    TooManyFailures,
    /// The body is signed, but is not an event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event is outside the replay window, and the settings refuse such events.
    #[error("event too old: its createdAt is before the replay window")]
    EventTooOld,
}

/// A fault of the gateway. The same delivery may be accepted later.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// At least one setting or binding is missing or wrong.
    #[error("{}", list(.0))]
    Config(Vec<ConfigError>),
    /// The deliveries of this isolate already hold too many bytes.
    #[error(transparent)]
    AllowanceExceeded(#[from] AllowanceExceeded),
    /// The event is not known to be in the queue.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// A reason for not acknowledging a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A fault of the sender.
    #[error(transparent)]
    Rejection(#[from] Rejection),
    /// A fault of the gateway.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Body(error) => Rejection::from(error).into(),
            ReadError::AllowanceExceeded(error) => Fault::from(error).into(),
        }
    }
}

impl Refusal {
    /// Returns the outcome for the log.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Rejection(_) => Outcome::Rejected,
            Self::Fault(_) => Outcome::Failed,
        }
    }

    /// Returns the level for the log. A signed event that is too large is an error: it is lost unless an operator acts.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Rejection(Rejection::MessageTooLarge(_)) | Self::Fault(_) => Level::Error,
            Self::Rejection(_) => Level::Warn,
        }
    }

    /// Returns the HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status_and_code().0
    }

    /// Returns the stable code of the refusal, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// Returns the status and the code of the answer.
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Rejection(Rejection::Event(_)) => (400, "invalid_event"),
            Self::Rejection(Rejection::Signature(_)) => (401, "invalid_signature"),
            Self::Rejection(Rejection::NotFound | Rejection::UrlInvalid) => (404, "not_found"),
            Self::Rejection(Rejection::MethodNotAllowed { .. }) => (405, "method_not_allowed"),
            Self::Rejection(Rejection::Body(BodyError::TimedOut | BodyError::Broken(_))) => {
                (408, "body_timeout")
            }
            Self::Rejection(
                Rejection::Body(BodyError::TooLarge { .. }) | Rejection::MessageTooLarge(_),
            ) => (413, "body_too_large"),
            Self::Rejection(Rejection::EventTooOld) => (422, "event_too_old"),
            Self::Rejection(Rejection::TooManyFailures) => (429, TOO_MANY_FAILURES),
            Self::Fault(Fault::Config(_)) => (500, "misconfigured"),
            Self::Fault(Fault::AllowanceExceeded(_) | Fault::Commit(_)) => (503, "unavailable"),
        }
    }

    /// Returns the text for the sender. It does not help a forger and contains no platform or settings error.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Rejection(Rejection::Signature(_)) => "the signature did not verify".to_owned(),
            Self::Rejection(Rejection::Body(BodyError::Broken(_))) => {
                BodyError::TimedOut.to_string()
            }
            Self::Rejection(Rejection::UrlInvalid) => Rejection::NotFound.to_string(),
            Self::Rejection(rejection) => rejection.to_string(),
            Self::Fault(Fault::Config(_)) => {
                format!("the gateway is not configured; {HEALTH_PATH} lists what is wrong")
            }
            Self::Fault(Fault::AllowanceExceeded(_) | Fault::Commit(_)) => {
                "the event could not be queued in time; send it again".to_owned()
            }
        }
    }
}

fn list(errors: &[ConfigError]) -> String {
    let errors: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
    errors.join("; ")
}
