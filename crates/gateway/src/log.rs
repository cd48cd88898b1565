//! One JSON line a delivery, and one for what happens after its answer.

use serde::Serialize;

use cronozen_webhook::event::{EventId, JsonString};
use cronozen_webhook::message::Dedupe;
use cronozen_webhook::time::Timestamp;

/// The longest type in a log line, in characters. The sender's longest has 24.
const MAX_LOGGED_TYPE_CHARACTERS: usize = 64;

/// Where log lines go.
pub trait Log {
    /// Writes one line. Must not wait.
    fn write(&self, level: Level, record: &Record);
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Info,
    /// The sender's fault, or a doubt that was resolved towards a duplicate.
    Warn,
    /// An event is not acknowledged, or will not be recognised again.
    Error,
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The event is in the queue.
    Accepted,
    /// The event has been seen before.
    Duplicate,
    /// The sender's fault.
    Rejected,
    /// Our fault.
    Failed,
    /// The event is in the queue, but could not be marked as seen: a retry will queue it again.
    MarkerFailed,
    /// A send that had been answered 503 has succeeded after all: a retry will be a duplicate.
    LateCommit,
    /// A send that had been answered 503 has failed.
    LateSendFailed,
}

/// One line. Holds no secret, no body, no whole signature and no stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When the delivery arrived.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The code of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The precise reason, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The event's id, once the signature has been checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The event's type, cut short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The body's size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Milliseconds since the delivery arrived.
    pub ms: u64,
    /// What the look-up said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    /// The position of the secret that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<u8>,
    /// The sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Cloudflare's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ray: Option<String>,
}

impl Record {
    /// The line of a delivery that arrived at `arrived`, before anything has come of it.
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
        }
    }

    /// The line of what has happened, by `now`, after the answer to a delivery that arrived at `arrived`.
    #[must_use]
    pub fn after_answer(
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

    /// Sets the time that it took, now that it has ended.
    pub fn finish(&mut self, now: Timestamp) {
        self.ms = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
    }

    /// The line as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // This type always serialises, so the empty line never comes.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the first characters of an event's type. Returns nothing if it holds a lone surrogate.
pub(crate) fn logged_type(event_type: JsonString<'_>) -> Option<String> {
    Some(event_type.decode()?.chars().take(MAX_LOGGED_TYPE_CHARACTERS).collect())
}
