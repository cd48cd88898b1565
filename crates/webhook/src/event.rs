//! The envelope inside a verified body: one JSON object with an `eventId`.
//!
//! Only `eventId` is required, because it is the only field that the sender documents for every event. The type and
//! `createdAt` are read if they are there. Everything else passes through untouched.

use core::fmt;
use std::borrow::Cow;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::signature::VerifiedBody;
use crate::time::Timestamp;

/// The longest `eventId`, in bytes of UTF-8. It keeps log lines short, and fits a key of Workers KV (at most 512 bytes
/// with its prefix). The sender's ids are about a tenth as long.
pub const MAX_EVENT_ID_BYTES: usize = 256;

/// The reason why a signed body is not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The body is not UTF-8.
    #[error("body malformed: invalid UTF-8 at position {position}")]
    NotUtf8 {
        /// The position of the first invalid byte, counted from 0.
        position: usize,
    },
    /// The first character of the body, after any white space, is not `{`.
    #[error("body malformed: not a JSON object")]
    NotAnObject,
    /// The body as a whole is not one valid JSON value.
    #[error("body malformed: not valid JSON{}", at(*place))]
    NotJson {
        /// The place of the error, if the parser reports one.
        place: Option<Place>,
    },
    /// The event has no `eventId`.
    #[error("eventId missing")]
    IdMissing,
    /// The `eventId` is not a string.
    #[error("eventId malformed: not a string")]
    IdNotAString,
    /// The `eventId` is not valid Unicode: it contains a lone surrogate.
    #[error("eventId malformed: a lone surrogate")]
    IdNotUnicode,
    /// The `eventId` is empty.
    #[error("eventId empty")]
    IdEmpty,
    /// The `eventId` is longer than [`MAX_EVENT_ID_BYTES`].
    #[error("eventId too long: {found} bytes (at most {MAX_EVENT_ID_BYTES} are allowed)")]
    IdTooLong {
        /// The length of the `eventId`, in bytes.
        found: usize,
    },
    /// The `eventId` contains a control character.
    #[error("eventId malformed: a control character")]
    IdControlCharacter,
}

/// A place in the text of a body, as the parser reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, in bytes, counted from 1.
    pub column: usize,
}

fn at(place: Option<Place>) -> String {
    place.map_or_else(String::new, |Place { line, column }| {
        format!(" at line {line}, column {column}")
    })
}

/// The identity of an event: two deliveries with the same id are the same event, even if their bytes differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// Checks a decoded id.
    ///
    /// # Errors
    /// [`EventError`] if the id is empty, is longer than [`MAX_EVENT_ID_BYTES`] or contains a control character.
    pub fn new(id: String) -> Result<Self, EventError> {
        match id.len() {
            0 => return Err(EventError::IdEmpty),
            1..=MAX_EVENT_ID_BYTES => {}
            found => return Err(EventError::IdTooLong { found }),
        }
        if id.chars().any(char::is_control) {
            return Err(EventError::IdControlCharacter);
        }
        Ok(Self(id))
    }

    /// Returns the id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A verified body that is one valid JSON object with a usable `eventId`.
pub struct Event<'body> {
    verified: VerifiedBody<'body>,
    text: &'body str,
    id: EventId,
    r#type: Option<JsonString<'body>>,
    created_at: Option<JsonString<'body>>,
}

impl<'body> Event<'body> {
    /// Reads the envelope. If a key is repeated, its last value counts, as in `JSON.parse`.
    ///
    /// # Errors
    /// [`EventError`] with the first error found.
    pub fn read(verified: VerifiedBody<'body>) -> Result<Self, EventError> {
        let text = object_text(verified.body())?;
        let envelope: Envelope<'body> =
            serde_json::from_str(text).map_err(|error| EventError::NotJson {
                place: Some(Place { line: error.line(), column: error.column() }),
            })?;
        let id = envelope.event_id.ok_or(EventError::IdMissing)?;
        let id = JsonString::new(id).ok_or(EventError::IdNotAString)?;
        let id = EventId::new(id.decode().ok_or(EventError::IdNotUnicode)?)?;
        // The sender does not document which of these names the type.
        let r#type = [envelope.r#type, envelope.event, envelope.event_type]
            .into_iter()
            .flatten()
            .find_map(JsonString::new);
        let created_at = envelope.created_at.and_then(JsonString::new);
        Ok(Self { verified, text, id, r#type, created_at })
    }

    /// Returns the bytes of the event, with their signature.
    #[must_use]
    pub fn verified(&self) -> VerifiedBody<'body> {
        self.verified
    }

    /// Returns the body as text: one valid JSON object, with any white space around it.
    #[must_use]
    pub fn text(&self) -> &'body str {
        self.text
    }

    /// Returns the event's id.
    #[must_use]
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// Returns the type exactly as the JSON string is in the body: the first of `type`, `event` and `eventType` that is
    /// a string. Returns `None` if none of them is.
    #[must_use]
    pub fn event_type(&self) -> Option<JsonString<'body>> {
        self.r#type
    }

    /// Returns `createdAt` exactly as the JSON string is in the body, or `None` if it is absent or not a string.
    #[must_use]
    pub fn created_at(&self) -> Option<JsonString<'body>> {
        self.created_at
    }

    /// Returns `createdAt` as a point in time, or `None` if it is not an RFC 3339 date and time.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(&self.created_at?.decode()?)
    }
}

/// Returns a body as text, after a check that its first character, after any white space, is `{`. The rest is not
/// checked: a JSON parser must read it.
///
/// # Errors
/// [`EventError::NotUtf8`] if the body is not UTF-8, [`EventError::NotAnObject`] if it does not begin with `{`.
pub fn object_text(body: &[u8]) -> Result<&str, EventError> {
    let text = core::str::from_utf8(body)
        .map_err(|error| EventError::NotUtf8 { position: error.valid_up_to() })?;
    // Checked here, because a parser's error message would quote the body.
    let first = text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(b'{') {
        return Err(EventError::NotAnObject);
    }
    Ok(text)
}

/// Omits the body.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("verified", &self.verified)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A string in its JSON form, with its quotes and escapes. It is kept unchanged so that a message can repeat it even if
/// it contains a lone surrogate, which JavaScript's strings allow and Rust's do not.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct JsonString<'body>(&'body RawValue);

impl<'body> JsonString<'body> {
    pub(crate) fn new(value: &'body RawValue) -> Option<Self> {
        value.get().starts_with('"').then_some(Self(value))
    }

    /// Returns the JSON form, with its quotes.
    #[must_use]
    pub fn json(self) -> &'body str {
        self.0.get()
    }

    /// Returns the decoded string, or `None` if it contains a lone surrogate.
    #[must_use]
    pub fn decode(self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// The fields that are read, still in their JSON form. All others are skipped, however deeply they are nested.
#[derive(Default)]
struct Envelope<'body> {
    event_id: Option<&'body RawValue>,
    r#type: Option<&'body RawValue>,
    event: Option<&'body RawValue>,
    event_type: Option<&'body RawValue>,
    created_at: Option<&'body RawValue>,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        // Keys are read raw, too: a key may contain a lone surrogate, which a Rust string cannot.
        while let Some(key) = map.next_key::<&RawValue>()? {
            let field = match plain_key(key).as_deref() {
                Some("eventId") => &mut envelope.event_id,
                Some("type") => &mut envelope.r#type,
                Some("event") => &mut envelope.event,
                Some("eventType") => &mut envelope.event_type,
                Some("createdAt") => &mut envelope.created_at,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = Some(map.next_value()?);
        }
        Ok(envelope)
    }
}

/// Returns the decoded key, or `None` if it contains a lone surrogate. A key without escapes is borrowed.
pub(crate) fn plain_key(key: &RawValue) -> Option<Cow<'_, str>> {
    let json = key.get();
    if json.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(inner))
}
