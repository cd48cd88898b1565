//! The other end of the queue: reads a message, and verifies its event once more.
//!
//! The queue is trusted by whoever reads it. But it is a queue of an account, not of this gateway alone, so a
//! consumer that moves money does better to check the signature itself: it is over the exact bytes of the event.

use core::fmt;

use serde_json::value::RawValue;
use thiserror::Error;

use super::stored_body::{MAX_STORED_BODY_BYTES, key_of, sha256_hex};
use super::{Dedupe, VERSION, Window};
use crate::event::{Event, EventError, EventId, JsonString};
use crate::signature::{Secrets, Signature, SignatureError};
use crate::time::Timestamp;
use fields::{Expected, Fields};

mod fields;

/// What stands before the event, and nowhere before that.
const BEFORE_EVENT: &str = ",\"event\":";

/// Why a text on the queue is not taken for a verified event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueuedError {
    /// The text is no message of any version.
    #[error("not a message: expected {expected}")]
    NotAMessage {
        /// What was expected.
        expected: &'static str,
    },
    /// The message is of another version than this one reads. A newer consumer may.
    #[error("message version unknown (this reader knows {VERSION})")]
    UnknownVersion,
    /// The event is not in the message: read it from where it is stored, and have that verified.
    #[error("event not in the message: its body is stored elsewhere")]
    BodyStored,
    /// The stored body is not the one that the message refers to, or the message refers to one that no gateway
    /// has stored for it.
    #[error("stored body mismatch: not the length and SHA-256 in the message")]
    BodyMismatch,
    /// The signature is malformed, or the event was signed with none of the secrets.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signed bytes are no event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The message gives the signed event another `eventId`, type or `createdAt`: it is another event's.
    #[error("envelope mismatch: the signed event is another one")]
    EnvelopeMismatch,
}

impl From<Expected> for QueuedError {
    fn from(Expected(expected): Expected) -> Self {
        Self::NotAMessage { expected }
    }
}

impl QueuedError {
    /// The stable name of the error, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAMessage { .. } => "not_a_message",
            Self::UnknownVersion => "unknown_version",
            Self::BodyStored => "body_stored",
            Self::BodyMismatch => "body_mismatch",
            Self::Signature(error) => error.code(),
            Self::Event(_) => "invalid_event",
            Self::EnvelopeMismatch => "envelope_mismatch",
        }
    }
}

/// Where the event of a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueuedBody<'text> {
    /// In the message: the exact bytes that were signed.
    Inline(&'text str),
    /// In the bucket for large bodies.
    Stored {
        /// The key of the object: `bodies/` and the SHA-256.
        key: String,
        /// Its SHA-256, as 64 lowercase hexadecimal digits.
        sha256: String,
        /// Its length, in bytes; at most 1 MiB.
        bytes: u64,
    },
}

/// A message as it was read from the queue. Nothing in it is proved before it is [verified](Self::verify).
pub struct QueuedMessage<'text> {
    event_id: EventId,
    r#type: Option<JsonString<'text>>,
    created_at: Option<JsonString<'text>>,
    received_at: Timestamp,
    key: u8,
    dedupe: Dedupe,
    window: Window,
    signature: Signature,
    body: QueuedBody<'text>,
}

impl<'text> QueuedMessage<'text> {
    /// Reads the text of a message.
    ///
    /// # Errors
    /// [`QueuedError::NotAMessage`], [`QueuedError::UnknownVersion`], [`QueuedError::BodyMismatch`] if the body is
    /// said to be stored where or as large as no gateway stores any, or [`QueuedError::Signature`] if the signature
    /// is malformed.
    pub fn parse(text: &'text str) -> Result<Self, QueuedError> {
        let fields = fields_of_this_version(text)?;
        let event_id = fields.read("eventId", "eventId to be a string")?;
        let received_at: String = fields.read("receivedAt", "receivedAt to be a string")?;
        let dedupe: String = fields.read("dedupe", "dedupe to be a string")?;
        let window: String = fields.read("window", "window to be a string")?;
        let signature: String = fields.read("signature", "signature to be a string")?;
        let known_dedupe = [Dedupe::New, Dedupe::Unknown];
        let known_windows = [Window::Inside, Window::Outside, Window::Unknown];
        Ok(Self {
            event_id: EventId::new(event_id).map_err(|_| no_message("a usable eventId"))?,
            r#type: fields.string_or_null("type")?,
            created_at: fields.string_or_null("createdAt")?,
            received_at: Timestamp::parse_rfc3339(&received_at)
                .ok_or(no_message("receivedAt to be a time"))?,
            key: fields.read("key", "key to be a number")?,
            dedupe: known_dedupe
                .into_iter()
                .find(|known| known.as_str() == dedupe)
                .ok_or(no_message("dedupe to be new or unknown"))?,
            window: known_windows
                .into_iter()
                .find(|known| known.as_str() == window)
                .ok_or(no_message("window to be inside, outside or unknown"))?,
            body: body(text, &fields)?,
            signature: Signature::parse(Some(signature.as_bytes()))?,
        })
    }

    /// Verifies the event in the message, and reads it.
    ///
    /// # Errors
    /// [`QueuedError::BodyStored`] if it is not in the message; otherwise as [`Self::verify_body`].
    pub fn verify(&self, secrets: &Secrets) -> Result<Event<'text>, QueuedError> {
        match self.body {
            QueuedBody::Inline(event) => self.verify_body(event.as_bytes(), secrets),
            QueuedBody::Stored { .. } => Err(QueuedError::BodyStored),
        }
    }

    /// Verifies the body that was stored for the message, and reads the event in it.
    ///
    /// # Errors
    /// [`QueuedError::BodyMismatch`] if it is another body, [`QueuedError::Signature`] if none of the secrets
    /// has signed it, [`QueuedError::Event`] if it is no event, and [`QueuedError::EnvelopeMismatch`] if it is
    /// another event than the message says: only the event is signed.
    pub fn verify_body<'body>(
        &self,
        body: &'body [u8],
        secrets: &Secrets,
    ) -> Result<Event<'body>, QueuedError> {
        if let QueuedBody::Stored { sha256, bytes, .. } = &self.body {
            let as_long = u64::try_from(body.len()) == Ok(*bytes);
            if !as_long || sha256_hex(body) != *sha256 {
                return Err(QueuedError::BodyMismatch);
            }
        }
        let event = Event::read(secrets.verify(body, self.signature)?)?;
        if !self.is_of(&event) {
            return Err(QueuedError::EnvelopeMismatch);
        }
        Ok(event)
    }

    /// Whether the message says of its event what the event says. The gateway repeats it as it came.
    fn is_of(&self, event: &Event<'_>) -> bool {
        let same = |one: Option<JsonString<'_>>, other: Option<JsonString<'_>>| {
            one.map(JsonString::json) == other.map(JsonString::json)
        };
        *event.id() == self.event_id
            && same(event.event_type(), self.r#type)
            && same(event.created_at(), self.created_at)
    }

    /// The id that the message gives its event.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The type that the message gives its event, as a JSON string.
    #[must_use]
    pub fn event_type(&self) -> Option<JsonString<'text>> {
        self.r#type
    }

    /// The `createdAt` that the message gives its event, as a JSON string.
    #[must_use]
    pub fn created_at(&self) -> Option<JsonString<'text>> {
        self.created_at
    }

    /// When the gateway received the event.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The position of the secret that had signed the event, at that time; 0 was the newest.
    #[must_use]
    pub fn key(&self) -> u8 {
        self.key
    }

    /// What the look-up said of the event.
    #[must_use]
    pub fn dedupe(&self) -> Dedupe {
        self.dedupe
    }

    /// Where `createdAt` lay in relation to the replay window.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// The signature of the event.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Where the event is.
    #[must_use]
    pub fn body(&self) -> &QueuedBody<'text> {
        &self.body
    }
}

fn no_message(expected: &'static str) -> QueuedError {
    QueuedError::NotAMessage { expected }
}

/// The version comes first: another one may have other fields.
fn fields_of_this_version(text: &str) -> Result<Fields<'_>, QueuedError> {
    let object = no_message("one valid JSON object");
    if !text.trim_start().starts_with('{') {
        return Err(object);
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| object)?;
    let version = fields.raw("v").map_or("", RawValue::get);
    if !version.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(no_message("v to be a number"));
    }
    if version == VERSION.to_string() { Ok(fields) } else { Err(QueuedError::UnknownVersion) }
}

/// Who can write to the queue chooses neither which object is read for it, nor how much.
fn body<'text>(text: &'text str, fields: &Fields<'text>) -> Result<QueuedBody<'text>, QueuedError> {
    let stored = ["bodyKey", "bodySha256", "bodyBytes"].map(|name| fields.raw(name).is_some());
    match (fields.raw("event"), stored) {
        (Some(event), [false, false, false]) if event.get().starts_with('{') => {
            Ok(QueuedBody::Inline(inline_event(text)?))
        }
        (None, [true, true, true]) => {
            let key: String = fields.read("bodyKey", "bodyKey to be a string")?;
            let sha256: String = fields.read("bodySha256", "bodySha256 to be a string")?;
            let bytes: u64 = fields.read("bodyBytes", "bodyBytes to be a number")?;
            if key != key_of(&sha256) || bytes > u64::from(MAX_STORED_BODY_BYTES) {
                return Err(QueuedError::BodyMismatch);
            }
            Ok(QueuedBody::Stored { key, sha256, bytes })
        }
        _ => Err(no_message("either an event or where its body is stored")),
    }
}

/// The exact bytes of the event. No string before them can hold the text that they are found by, because its
/// quotes would be escaped.
fn inline_event(text: &str) -> Result<&str, QueuedError> {
    let after = text.split_once(BEFORE_EVENT).map(|(_, after)| after);
    let event = after.and_then(|after| after.rsplit_once('}')).map(|(event, _)| event);
    event.ok_or(no_message("the event as the message's last field"))
}

/// Without the body.
impl fmt::Debug for QueuedMessage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QueuedMessage")
            .field("event_id", &self.event_id)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
