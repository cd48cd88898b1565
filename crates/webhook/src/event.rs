//! The envelope inside a verified body: one JSON object with an `eventId`.
//!
//! Only `eventId` is required, because it is all that the sender documents for every event. `type`
//! and `createdAt` are read where they stand; everything else passes through untouched.

use core::fmt;
use std::borrow::Cow;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::signature::VerifiedBody;
use crate::time::Timestamp;

/// Keeps a Workers KV key (512 bytes at most, with its prefix) and a log line short; the sender's ids
/// are a tenth of it.
pub const MAX_EVENT_ID_BYTES: usize = 256;

/// Why a signed body is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The body is not UTF-8.
    #[error("body malformed: no UTF-8 at position {position}")]
    NotUtf8 {
        /// Where the first wrong byte stands, counted from 0.
        position: usize,
    },
    /// The body does not begin as a JSON object.
    #[error("body malformed: not a JSON object")]
    NotAnObject,
    /// The body is not one valid JSON text to its last byte.
    #[error("body malformed: not valid JSON{}", at(*place))]
    NotJson {
        /// Where the error is, if the parser says so.
        place: Option<Place>,
    },
    /// There is no `eventId`.
    #[error("eventId missing")]
    IdMissing,
    /// The `eventId` is not a string.
    #[error("eventId malformed: not a string")]
    IdNotAString,
    /// The `eventId` is no Unicode text: it holds half of a surrogate pair.
    #[error("eventId malformed: a lone surrogate")]
    IdNotUnicode,
    /// The `eventId` is empty.
    #[error("eventId empty")]
    IdEmpty,
    /// The `eventId` is longer than [`MAX_EVENT_ID_BYTES`].
    #[error("eventId too long: {found} bytes (at most {MAX_EVENT_ID_BYTES} are allowed)")]
    IdTooLong {
        /// Its length, in bytes.
        found: usize,
    },
    /// The `eventId` holds a control character.
    #[error("eventId malformed: a control character")]
    IdControlCharacter,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}

fn at(place: Option<Place>) -> String {
    place.map_or_else(String::new, |Place { line, column }| {
        format!(" at line {line}, column {column}")
    })
}

/// What makes an event itself: two deliveries with one id are one event, whatever their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// Checks an id that has been decoded.
    ///
    /// # Errors
    /// [`EventError`] if it is empty, longer than [`MAX_EVENT_ID_BYTES`] or holds a control character.
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

    /// The id as text.
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
    /// Reads the envelope. Of a repeated key the last one counts, as in `JSON.parse`.
    ///
    /// # Errors
    /// [`EventError`] names the first thing that is wrong.
    pub fn read(verified: VerifiedBody<'body>) -> Result<Self, EventError> {
        let text = text(verified.body())?;
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

    /// The bytes and the signature that the event came in.
    #[must_use]
    pub fn verified(&self) -> VerifiedBody<'body> {
        self.verified
    }

    /// The body as text: one valid JSON object, white space around it included.
    #[must_use]
    pub fn text(&self) -> &'body str {
        self.text
    }

    /// The event's identity.
    #[must_use]
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// The type, exactly as its JSON string stands in the body.
    #[must_use]
    pub fn event_type(&self) -> Option<JsonString<'body>> {
        self.r#type
    }

    /// `createdAt`, exactly as its JSON string stands in the body.
    #[must_use]
    pub fn created_at(&self) -> Option<JsonString<'body>> {
        self.created_at
    }

    /// `createdAt` as a point in time, if it is RFC 3339.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(&self.created_at?.decode()?)
    }
}

/// Returns the text of a body that has been verified, whose first character is that of a JSON object. A parser says
/// if the rest is one.
///
/// # Errors
/// [`EventError::NotUtf8`] or [`EventError::NotAnObject`].
pub fn text(body: &[u8]) -> Result<&str, EventError> {
    let text = core::str::from_utf8(body)
        .map_err(|error| EventError::NotUtf8 { position: error.valid_up_to() })?;
    // A parser's own message would quote what it found instead.
    let first = text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(b'{') {
        return Err(EventError::NotAnObject);
    }
    Ok(text)
}

/// Without the body.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("verified", &self.verified)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A string in its JSON form, quotes and escapes included. Kept as it came, so that a message can
/// repeat it without judging it: JavaScript allows lone surrogates, Rust's strings do not.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct JsonString<'body>(&'body RawValue);

impl<'body> JsonString<'body> {
    pub(crate) fn new(value: &'body RawValue) -> Option<Self> {
        value.get().starts_with('"').then_some(Self(value))
    }

    /// The JSON form.
    #[must_use]
    pub fn json(self) -> &'body str {
        self.0.get()
    }

    /// The text that it stands for; `None` if it holds a lone surrogate.
    #[must_use]
    pub fn decode(self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// The fields that are decoded. All others are skipped, however deep they are.
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
        // Keys are read raw too: one of them may hold a lone surrogate, which a string cannot.
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

/// The key's text, with its escapes undone only if it has any; `None` if it holds a lone surrogate.
pub(crate) fn plain_key(key: &RawValue) -> Option<Cow<'_, str>> {
    let json = key.get();
    if json.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(inner))
}
