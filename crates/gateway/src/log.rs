//! The log: a JSON line for each delivery, and another if the marker fails or if a send ends after the answer.

use serde::Serialize;

use cronozen_webhook::event::{EventId, JsonString};
use cronozen_webhook::message::Dedupe;
use cronozen_webhook::time::Timestamp;

/// The longest type in a log line, in characters. The sender's longest type has 24 characters.
const MAX_LOGGED_TYPE_CHARACTERS: usize = 64;

/// A destination for log lines.
pub trait Log {
    /// Writes one line. An implementation must not wait.
    fn write(&self, level: Level, record: &Record);
}

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Normal operation.
    Info,
    /// A fault of the sender, an event that may be queued twice, or a send that ended after the answer.
    Warn,
    /// A fault of the gateway, an event that is too large for a message, or one that could not be marked as seen.
    Error,
}

/// The result that a line reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The event is in the queue.
    Accepted,
    /// The event has been seen before.
    Duplicate,
    /// The delivery is refused, through a fault of the sender.
    Rejected,
    /// The delivery is refused, through a fault of the gateway.
    Failed,
    /// The event is in the queue, but could not be marked as seen: a retry may queue it again.
    MarkerFailed,
    /// A send has succeeded after the delivery was answered 503: a retry will be a duplicate.
    LateCommit,
    /// A send has failed or timed out after the delivery was answered 503.
    LateSendFailed,
}

/// A line of the log. It contains no secret, no body, no whole signature and no stack trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The time at which the delivery arrived.
    pub at: Timestamp,
    /// The result.
    pub outcome: Outcome,
    /// The code or status in the answer's body, such as `accepted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The text of the error, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The event's id, if the signature has been verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The event's type, cut to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The body's size, if the body has been read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// The milliseconds from the delivery's arrival to the result.
    pub ms: u64,
    /// The result of the look-up of the event's id, if the event is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    /// The position of the secret that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<u8>,
    /// The sender's IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Cloudflare's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ray: Option<String>,
    /// The number of deliveries, if the line is about several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Record {
    /// Creates the line of a delivery that arrived at `arrived`. Until its result is set, it counts as failed.
    #[must_use]
    pub fn new(arrived: Timestamp) -> Self {
        Self {
            at: arrived,
            outcome: Outcome::Failed,
            code: None,
            reason: None,
            event_id: None,
            r#type: None,
            bytes: None,
            ms: 0,
            dedupe: None,
            key: None,
            address: None,
            ray: None,
            count: None,
        }
    }

    /// Creates the additional line of a delivery that arrived at `arrived`, for an outcome at `now`.
    #[must_use]
    pub fn follow_up(
        arrived: Timestamp,
        now: Timestamp,
        outcome: Outcome,
        event_id: EventId,
        reason: Option<String>,
    ) -> Self {
        let mut record = Self { outcome, reason, event_id: Some(event_id), ..Self::new(arrived) };
        record.finish(now);
        record
    }

    /// Sets the milliseconds from the delivery's arrival to `now`.
    pub fn finish(&mut self, now: Timestamp) {
        self.ms = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
    }

    /// Returns true if the line is about one delivery that was refused before a signature was verified: anyone can cause
    /// such lines, in any number.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.outcome == Outcome::Rejected && self.key.is_none() && self.count.is_none()
    }

    /// Returns the line as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // This type always serialises, so the line is never empty.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the first 64 characters of an event's type. Returns `None` if the type contains a lone surrogate.
pub(crate) fn logged_type(event_type: JsonString<'_>) -> Option<String> {
    Some(event_type.decode()?.chars().take(MAX_LOGGED_TYPE_CHARACTERS).collect())
}
