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
//! The message of a body that does not fit, but has been stored, says where it is instead:
//!
//! ```json
//! {…,"signature":"…","bodyKey":"bodies/<bodySha256>","bodySha256":"<64 digits>","bodyBytes":1048576}
//! ```
//!
//! Consumers written in Rust read both with [`queued`].

use core::fmt;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::event::{Event, EventId, JsonString};
use crate::time::Timestamp;
pub use stored_body::{MAX_STORED_BODY_BYTES, StoredBody};

pub mod queued;
mod stored_body;

/// The version of the message's form.
const VERSION: u8 = 1;

/// Cloudflare Queues takes messages of 128,000 bytes, of which about 100 are its own metadata. The
/// rest is a margin.
pub const MAX_MESSAGE_BYTES: usize = 127_500;

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

/// Where a delivery's `createdAt` lies in relation to the replay window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Young enough that its marker, if there was one, is still there.
    Inside,
    /// Older than a marker lives: a late retry by hand, or a replay.
    Outside,
    /// `createdAt` is absent, unreadable, or too far ahead.
    Unknown,
}

impl Window {
    /// The word for it, in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// The message would be larger than the queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("message too large: {found} bytes (at most {MAX_MESSAGE_BYTES} fit the queue)")]
pub struct MessageTooLarge {
    /// The size that it would have, in bytes.
    pub found: usize,
}

/// A message that lacks only the result of the look-up, in the two parts between which that will stand. It is made of a
/// verified event alone.
pub struct Message {
    before_dedupe: String,
    after_dedupe: String,
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
    /// Puts a verified event, received at `received_at`, into its message.
    ///
    /// # Errors
    /// [`MessageTooLarge`] if it could be more than [`MAX_MESSAGE_BYTES`] long.
    pub fn new(
        event: &Event<'_>,
        received_at: Timestamp,
        window: Window,
    ) -> Result<Self, MessageTooLarge> {
        Self::ending(event, received_at, window, &[",\"event\":", event.text(), "}"])
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
    ) -> Result<(Self, StoredBody), MessageTooLarge> {
        let body = StoredBody::of(event.verified());
        let end = format!(
            ",\"bodyKey\":\"{}\",\"bodySha256\":\"{}\",\"bodyBytes\":{}}}",
            body.key(),
            body.sha256(),
            body.bytes(),
        );
        Ok((Self::ending(event, received_at, window, &[&end])?, body))
    }

    /// The message whose last fields are those of `end`.
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
        Ok(Self { before_dedupe, after_dedupe })
    }

    /// Returns the part before the result of the look-up.
    #[must_use]
    pub fn before_dedupe(&self) -> &str {
        &self.before_dedupe
    }

    /// Returns the part after it.
    #[must_use]
    pub fn after_dedupe(&self) -> &str {
        &self.after_dedupe
    }

    /// Returns the whole text.
    #[must_use]
    pub fn with_dedupe(self, dedupe: Dedupe) -> String {
        let mut text = self.before_dedupe;
        text.push_str(dedupe.as_str());
        text.push_str(&self.after_dedupe);
        text
    }
}

/// Without the body.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("before_dedupe", &self.before_dedupe)
            .finish_non_exhaustive()
    }
}
