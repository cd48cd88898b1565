//! The message that the gateway puts on the queue: one JSON object with the signed body, verbatim, as its last value.
//!
//! ```json
//! {"v":1,"eventId":"…","type":"…","createdAt":"…","receivedAt":"…","key":0,
//!  "dedupe":"new","window":"inside","signature":"…","event":<the exact signed body>}
//! ```
//!
//! The real message is one line without white space between its values; the body keeps its white space. The body is
//! known to be one valid JSON object, so the message is valid JSON. The exact bytes of the body are between the first
//! `,"event":` and the last `}`: no earlier string can contain that text, because its quotes would be escaped.
//!
//! If the body does not fit and is stored elsewhere, the message refers to it instead:
//!
//! ```json
//! {…,"signature":"…","bodyKey":"bodies/<bodySha256>","bodySha256":"<64 digits>","bodyBytes":1048576}
//! ```
//!
//! Consumers written in Rust read both forms with [`queued`].

use core::fmt;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::event::{Event, EventId, JsonString};
use crate::time::Timestamp;
pub use stored_body::{MAX_STORED_BODY_BYTES, StoredBody};

pub mod queued;
mod stored_body;

/// The version of the message format.
const VERSION: u8 = 1;

/// The largest message, in bytes. Cloudflare Queues accepts 128,000 bytes, of which about 100 are its own metadata;
/// the rest of the difference is a margin.
pub const MAX_MESSAGE_BYTES: usize = 127_500;

/// The result of the gateway's look-up of the event's id. A known duplicate gets no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedupe {
    /// The gateway has no record of the event.
    New,
    /// The store gave no answer, so the event may be a duplicate.
    Unknown,
}

impl Dedupe {
    /// Returns the word for the result in messages and in the log: `new` or `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unknown => "unknown",
        }
    }
}

impl Serialize for Dedupe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The relation of a delivery's `createdAt` to the replay window, which is as long as the lifetime of a marker. A
/// marker is the gateway's record that an event is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `createdAt` is so recent that the event's marker, if there was one, still exists.
    Inside,
    /// `createdAt` is older than the lifetime of a marker: a late manual retry, or a replay.
    Outside,
    /// `createdAt` is absent, unreadable or too far in the future.
    Unknown,
}

impl Window {
    /// Returns the word for the relation in messages: `inside`, `outside` or `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// The error for a message that could be larger than [`MAX_MESSAGE_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("message too large: {found} bytes (the queue accepts at most {MAX_MESSAGE_BYTES})")]
pub struct MessageTooLarge {
    /// The largest size that the message could have, in bytes.
    pub found: usize,
}

/// A message that lacks only the result of the look-up: the part before the result, and the part after it. Only a
/// verified event can become a message.
pub struct Message {
    before_dedupe: String,
    after_dedupe: String,
}

/// The fields before `dedupe`, in their order.
#[derive(Serialize)]
struct Head<'a> {
    v: u8,
    #[serde(rename = "eventId")]
    event_id: &'a EventId,
    r#type: Option<JsonString<'a>>,
    #[serde(rename = "createdAt")]
    created_at: Option<JsonString<'a>>,
    #[serde(rename = "receivedAt")]
    received_at: Timestamp,
    key: u8,
}

impl Message {
    /// Makes the message of a verified event that was received at `received_at`.
    ///
    /// # Errors
    /// [`MessageTooLarge`] if the message could be more than [`MAX_MESSAGE_BYTES`] long.
    pub fn new(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
    ) -> Result<Self, MessageTooLarge> {
        Self::ending(event, received_at, window, &[",\"event\":", event.text(), "}"])
    }

    /// Makes a message that refers to a stored body, and returns both. The caller must store the body before it sends
    /// the message. The body's length is not checked against [`MAX_STORED_BODY_BYTES`].
    ///
    /// # Errors
    /// [`MessageTooLarge`] if even this message could be more than [`MAX_MESSAGE_BYTES`] long, for example because of a
    /// very long type.
    pub fn with_stored_body(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
    ) -> Result<(Self, StoredBody), MessageTooLarge> {
        let body = StoredBody::new(event.verified());
        let end = format!(
            ",\"bodyKey\":\"{}\",\"bodySha256\":\"{}\",\"bodyBytes\":{}}}",
            body.key(),
            body.sha256(),
            body.bytes(),
        );
        Ok((Self::ending(event, received_at, window, &[&end])?, body))
    }

    /// Makes a message that ends with the parts of `end`.
    fn ending(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
        end: &[&str],
    ) -> Result<Self, MessageTooLarge> {
        let verified = event.verified();
        let head = Head {
            v: VERSION,
            event_id: event.id(),
            r#type: event.event_type(),
            created_at: event.created_at(),
            received_at,
            key: verified.key(),
        };
        // Strings, numbers and raw JSON always serialise, so the default is never used.
        let mut before_dedupe = serde_json::to_string(&head).unwrap_or_default();
        before_dedupe.pop();
        before_dedupe.push_str(",\"dedupe\":\"");
        let mut after_dedupe = format!(
            "\",\"window\":\"{}\",\"signature\":\"{}\"",
            window.as_str(),
            verified.signature(),
        );
        let end_bytes: usize = end.iter().map(|part| part.len()).sum();
        let found =
            before_dedupe.len() + Dedupe::Unknown.as_str().len() + after_dedupe.len() + end_bytes;
        if found > MAX_MESSAGE_BYTES {
            return Err(MessageTooLarge { found });
        }
        after_dedupe.reserve_exact(end_bytes);
        after_dedupe.extend(end.iter().copied());
        Ok(Self { before_dedupe, after_dedupe })
    }

    /// Returns the part before the result of the look-up.
    #[must_use]
    pub fn before_dedupe(&self) -> &str {
        &self.before_dedupe
    }

    /// Returns the part after the result of the look-up.
    #[must_use]
    pub fn after_dedupe(&self) -> &str {
        &self.after_dedupe
    }

    /// Returns the whole message with the result of the look-up.
    #[must_use]
    pub fn with_dedupe(self, dedupe: Dedupe) -> String {
        let mut text = self.before_dedupe;
        text.push_str(dedupe.as_str());
        text.push_str(&self.after_dedupe);
        text
    }
}

/// Omits the body.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("before_dedupe", &self.before_dedupe)
            .finish_non_exhaustive()
    }
}
