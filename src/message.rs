//! What is put on the queue: one JSON object with the signed body, verbatim, as its last value.
//!
//! ```json
//! {"v":1,"eventId":"…","type":"…","createdAt":"…","receivedAt":"…","key":0,
//!  "dedupe":"new","window":"inside","signature":"…","event":<the exact signed body>}
//! ```
//!
//! (One line, without white space.) The body has just been proved to be one valid JSON object, so the
//! whole is valid JSON. The exact bytes stand between the first `,"event":` and the last `}`: no
//! string before them can hold that text, because its quotes would be escaped.
//!
//! The message of a body that does not fit, but has been [stored](crate::bodies), says where it is instead:
//!
//! ```json
//! {…,"signature":"…","bodyKey":"bodies/<bodySha256>","bodySha256":"<64 digits>","bodyBytes":1048576}
//! ```
//!
//! Consumers written in Rust read both with [`queued`].

use core::fmt;
use core::time::Duration;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::event::{Event, EventId, JsonString};
use crate::settings::{MAX_MESSAGE_BYTES, Window};
use crate::time::Timestamp;
pub use marker::Marker;
pub use stored_body::StoredBody;

mod marker;
pub mod queued;
mod stored_body;

/// The version of the message's form.
const VERSION: u8 = 1;

/// What the look-up said of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedupe {
    /// It had not been seen.
    New,
    /// The store gave no answer, so it may have been seen.
    Unknown,
}

impl Dedupe {
    /// The word for it, in messages and in the log.
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

/// The message would be larger than the queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a message of at most {MAX_MESSAGE_BYTES} bytes, got {found}")]
pub struct MessageTooLarge {
    /// The size that it would have, in bytes.
    pub found: usize,
}

/// A message that lacks only the result of the look-up.
pub struct Message {
    event_id: EventId,
    marker: Marker,
    ignores_marker: bool,
    text: MessageText,
}

/// The text of a [`Message`], in the two parts between which the result of the look-up will stand. Only a message has
/// one, so it has been verified.
pub struct MessageText {
    before_dedupe: String,
    after_dedupe: String,
}

impl MessageText {
    /// The part before the result of the look-up.
    #[must_use]
    pub fn before_dedupe(&self) -> &str {
        &self.before_dedupe
    }

    /// The part after it.
    #[must_use]
    pub fn after_dedupe(&self) -> &str {
        &self.after_dedupe
    }

    /// The whole text.
    #[must_use]
    pub fn with_dedupe(self, dedupe: Dedupe) -> String {
        let mut text = self.before_dedupe;
        text.push_str(dedupe.as_str());
        text.push_str(&self.after_dedupe);
        text
    }
}

/// Without the body.
impl fmt::Debug for MessageText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MessageText")
            .field("before_dedupe", &self.before_dedupe)
            .finish_non_exhaustive()
    }
}

/// Everything up to `dedupe`, in the order of the fields.
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
    /// Puts a verified event, received at `received_at`, into its message. Its marker is to live for
    /// `ttl`.
    ///
    /// # Errors
    /// [`MessageTooLarge`] if it could be more than [`MAX_MESSAGE_BYTES`] long.
    pub fn new(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
        ttl: Duration,
    ) -> Result<Self, MessageTooLarge> {
        Self::ending(event, received_at, window, ttl, &[",\"event\":", event.text(), "}"])
    }

    /// The same without the body, and what the message says of it. The body must be stored before the message
    /// is sent.
    ///
    /// # Errors
    /// [`MessageTooLarge`] if even this could be more than [`MAX_MESSAGE_BYTES`] long, as with an endless type.
    pub fn with_stored_body(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
        ttl: Duration,
    ) -> Result<(Self, StoredBody), MessageTooLarge> {
        let body = StoredBody::of(event.verified());
        let end = format!(
            ",\"bodyKey\":\"{}\",\"bodySha256\":\"{}\",\"bodyBytes\":{}}}",
            body.key(),
            body.sha256(),
            body.bytes(),
        );
        Ok((Self::ending(event, received_at, window, ttl, &[&end])?, body))
    }

    /// The message whose last fields are those of `end`.
    fn ending(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
        ttl: Duration,
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
        // Strings, numbers and raw JSON always serialise, so the empty text never comes.
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
        let marker = Marker { ttl, received_at };
        let event_id = event.id().clone();
        let text = MessageText { before_dedupe, after_dedupe };
        Ok(Self { event_id, marker, ignores_marker: false, text })
    }

    /// The same, and a marker that the event has already is ignored if `ignores` says so.
    #[must_use]
    pub fn ignoring_marker(self, ignores: bool) -> Self {
        Self { ignores_marker: ignores, ..self }
    }

    /// The id of the event in the message.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The marker that the event gets once it is in the queue.
    #[must_use]
    pub fn marker(&self) -> Marker {
        self.marker
    }

    /// Whether the event is let through although it may have been seen.
    #[must_use]
    pub fn ignores_marker(&self) -> bool {
        self.ignores_marker
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> MessageText {
        self.text
    }
}

/// Without the body.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("event_id", &self.event_id)
            .field("marker", &self.marker)
            .finish_non_exhaustive()
    }
}
