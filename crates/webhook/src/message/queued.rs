//! The consumer's side of the queue: reads a message and verifies its event again.
//!
//! The queue belongs to a Cloudflare account, not to the gateway alone, so other Workers of the account may write to
//! it. A consumer that moves money should therefore check the signature itself. The signature covers the exact bytes of
//! the event.

use core::fmt;

use serde_json::value::RawValue;
use thiserror::Error;

use super::stored_body::{MAX_STORED_BODY_BYTES, key_of, sha256_hex};
use super::{Dedupe, VERSION, Window};
use crate::event::{Event, EventError, EventId, JsonString};
use crate::signature::{Secrets, Signature, SignatureError};
use crate::time::Timestamp;
use fields::{FieldError, Fields};

mod fields;

/// The text right before the event. It does not occur earlier in a message.
const BEFORE_EVENT: &str = ",\"event\":";

/// The reason why a message from the queue, or its stored body, is not a verified event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueuedError {
    /// The text is not a message.
    #[error("not a message: expected {expected}")]
    NotAMessage {
        /// The part of a message that was expected.
        expected: &'static str,
    },
    /// The message has a version that this reader does not know. A newer release may know it.
    #[error("message version unknown (this reader supports {VERSION})")]
    UnknownVersion,
    /// The event is not in the message. Read the body from the bucket and pass it to [`QueuedMessage::verify_body`].
    #[error("event not in the message: its body is stored elsewhere")]
    BodyStored,
    /// The stored body is not the one that the message refers to. Or no gateway stores such a body: the key in the
    /// message does not match the SHA-256, or the length is more than 1 MiB.
    #[error("stored body mismatch: not the length and SHA-256 in the message")]
    BodyMismatch,
    /// The signature is malformed, or none of the secrets has signed the event.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The body is signed, but it is not an event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The `eventId`, the type or the `createdAt` in the message is not that of the signed event, so the message
    /// belongs to another event.
    #[error("envelope mismatch: the message names another event")]
    EnvelopeMismatch,
}

impl From<FieldError> for QueuedError {
    fn from(FieldError(expected): FieldError) -> Self {
        Self::NotAMessage { expected }
    }
}

impl QueuedError {
    /// Returns the stable name of the error, for programs.
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

/// The place of a message's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueuedBody<'text> {
    /// The event is in the message: this is the exact text that was signed.
    Inline(&'text str),
    /// The event is in the bucket for large bodies.
    Stored {
        /// The key of the object: `bodies/` and the SHA-256.
        key: String,
        /// The SHA-256 of the body, as 64 lowercase hexadecimal digits.
        sha256: String,
        /// The length of the body, in bytes; at most 1 MiB.
        bytes: u64,
    },
}

/// A message from the queue. Trust only the event that [`verify`](Self::verify) or [`verify_body`](Self::verify_body)
/// returns.
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
    /// [`QueuedError::NotAMessage`] or [`QueuedError::UnknownVersion`] if the text is not a message of this version,
    /// [`QueuedError::BodyMismatch`] if it refers to a key or a length that no gateway uses, and
    /// [`QueuedError::Signature`] if the signature is malformed.
    pub fn parse(text: &'text str) -> Result<Self, QueuedError> {
        let fields = read_fields(text)?;
        let event_id = fields.read("eventId", "eventId to be a string")?;
        let received_at: String = fields.read("receivedAt", "receivedAt to be a string")?;
        let dedupe: String = fields.read("dedupe", "dedupe to be a string")?;
        let window: String = fields.read("window", "window to be a string")?;
        let signature: String = fields.read("signature", "signature to be a string")?;
        let dedupe_results = [Dedupe::New, Dedupe::Unknown];
        let window_relations = [Window::Inside, Window::Outside, Window::Unknown];
        Ok(Self {
            event_id: EventId::new(event_id).map_err(|_| not_a_message("a usable eventId"))?,
            r#type: fields.string_or_null("type")?,
            created_at: fields.string_or_null("createdAt")?,
            received_at: Timestamp::parse_rfc3339(&received_at)
                .ok_or(not_a_message("receivedAt to be a time"))?,
            key: fields.read("key", "key to be a number")?,
            dedupe: dedupe_results
                .into_iter()
                .find(|result| result.as_str() == dedupe)
                .ok_or(not_a_message("dedupe to be new or unknown"))?,
            window: window_relations
                .into_iter()
                .find(|relation| relation.as_str() == window)
                .ok_or(not_a_message("window to be inside, outside or unknown"))?,
            body: read_body(text, &fields)?,
            signature: Signature::parse(Some(signature.as_bytes()))?,
        })
    }

    /// Verifies and reads the event in the message.
    ///
    /// # Errors
    /// [`QueuedError::BodyStored`] if the event is not in the message; otherwise the errors of [`Self::verify_body`].
    pub fn verify(&self, secrets: &Secrets) -> Result<Event<'text>, QueuedError> {
        match self.body {
            QueuedBody::Inline(event) => self.verify_body(event.as_bytes(), secrets),
            QueuedBody::Stored { .. } => Err(QueuedError::BodyStored),
        }
    }

    /// Verifies a body that was stored for the message, and reads the event in it.
    ///
    /// # Errors
    /// [`QueuedError::BodyMismatch`] if the body has another length or SHA-256 than the message says,
    /// [`QueuedError::Signature`] if none of the secrets has signed it, [`QueuedError::Event`] if it is not an event,
    /// and [`QueuedError::EnvelopeMismatch`] if it is not the event that the message names. (The signature does not
    /// cover the rest of the message.)
    pub fn verify_body<'body>(
        &self,
        body: &'body [u8],
        secrets: &Secrets,
    ) -> Result<Event<'body>, QueuedError> {
        if let QueuedBody::Stored { sha256, bytes, .. } = &self.body {
            let same_length = u64::try_from(body.len()) == Ok(*bytes);
            if !same_length || sha256_hex(body) != *sha256 {
                return Err(QueuedError::BodyMismatch);
            }
        }
        let event = Event::read(secrets.verify(body, self.signature)?)?;
        if !self.describes(&event) {
            return Err(QueuedError::EnvelopeMismatch);
        }
        Ok(event)
    }

    /// Returns true if id, type and `createdAt` in the message are those of the event. The last two are compared in
    /// their JSON form, because the gateway copies that form.
    fn describes(&self, event: &Event<'_>) -> bool {
        let same = |one: Option<JsonString<'_>>, other: Option<JsonString<'_>>| {
            one.map(JsonString::json) == other.map(JsonString::json)
        };
        *event.id() == self.event_id
            && same(event.event_type(), self.r#type)
            && same(event.created_at(), self.created_at)
    }

    /// Returns the id of the event, according to the message.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// Returns the type of the event as a JSON string, according to the message. Returns `None` if it is `null`.
    #[must_use]
    pub fn event_type(&self) -> Option<JsonString<'text>> {
        self.r#type
    }

    /// Returns the event's `createdAt` as a JSON string, according to the message. Returns `None` if it is `null`.
    #[must_use]
    pub fn created_at(&self) -> Option<JsonString<'text>> {
        self.created_at
    }

    /// Returns the time at which the gateway received the event.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Returns the position of the secret that matched when the gateway received the event; 0 was the newest.
    #[must_use]
    pub fn key(&self) -> u8 {
        self.key
    }

    /// Returns the result of the gateway's look-up of the event.
    #[must_use]
    pub fn dedupe(&self) -> Dedupe {
        self.dedupe
    }

    /// Returns the relation of `createdAt` to the replay window when the gateway received the event.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Returns the signature of the event.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Returns the event, or the place where it is stored.
    #[must_use]
    pub fn body(&self) -> &QueuedBody<'text> {
        &self.body
    }
}

fn not_a_message(expected: &'static str) -> QueuedError {
    QueuedError::NotAMessage { expected }
}

/// Splits a message into its fields, and checks the version before another field is decoded: another version may have
/// other fields.
fn read_fields(text: &str) -> Result<Fields<'_>, QueuedError> {
    let not_an_object = not_a_message("one valid JSON object");
    if !text.trim_start().starts_with('{') {
        return Err(not_an_object);
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| not_an_object)?;
    let version = fields.raw("v").map_or("", RawValue::get);
    if !version.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(not_a_message("v to be a number"));
    }
    if version == VERSION.to_string() { Ok(fields) } else { Err(QueuedError::UnknownVersion) }
}

/// Returns the event, or the place where it is stored. A forged message must not choose which object a consumer reads,
/// nor how large it is.
fn read_body<'text>(
    text: &'text str,
    fields: &Fields<'text>,
) -> Result<QueuedBody<'text>, QueuedError> {
    let stored = ["bodyKey", "bodySha256", "bodyBytes"].map(|name| fields.raw(name).is_some());
    match (fields.raw("event"), stored) {
        (Some(event), [false, false, false]) if event.get().starts_with('{') => {
            Ok(QueuedBody::Inline(cut_out_event(text)?))
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
        _ => Err(not_a_message("either an event or where its body is stored")),
    }
}

/// Returns the exact text of the event. No string before the event can contain [`BEFORE_EVENT`], because quotes in a
/// string are escaped.
fn cut_out_event(text: &str) -> Result<&str, QueuedError> {
    let after = text.split_once(BEFORE_EVENT).map(|(_, after)| after);
    let event = after.and_then(|after| after.rsplit_once('}')).map(|(event, _)| event);
    event.ok_or(not_a_message("the event as the message's last field"))
}

/// Omits the body and the signature.
impl fmt::Debug for QueuedMessage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QueuedMessage")
            .field("event_id", &self.event_id)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
