//! The bodies that may have been signed in place of the received one.

use core::fmt;
use std::borrow::Cow;

use super::json::Document;
use super::json_style::JsonStyle;
use super::mistake::{Difference, Mistake, Party};
use super::work::{Work, length};
use crate::time::Timestamp;

/// The byte order mark of UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes that are copied or searched with the work of hashing one.
const COPIES: u64 = 4;

/// The work of changing the bytes of a body one by one, in terms of hashed bytes for each byte. It was measured.
const CHANGING: u64 = 4;

/// A body that may have been signed. Only [`BodyChange::apply`] makes one, so the bytes are those of the change.
pub(super) struct Candidate<'body> {
    change: BodyChange,
    bytes: Cow<'body, [u8]>,
}

impl<'body> Candidate<'body> {
    pub(super) fn unchanged(body: &'body [u8]) -> Self {
        Self { change: BodyChange::None, bytes: body.into() }
    }

    pub(super) fn change(&self) -> BodyChange {
        self.change
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Cow<'body, [u8]> {
        self.bytes
    }
}

/// The change that turns the received body into the signed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyChange {
    None,
    WithEnd(&'static str),
    WithoutEnd(&'static str),
    LineFeeds,
    CarriageReturns,
    WithByteOrderMark,
    WithoutByteOrderMark,
    /// Each character becomes the byte of its number.
    ToLatin1,
    /// Each byte becomes the character of its number.
    FromLatin1,
    Empty,
    Timestamped(TimestampSource),
    Json(JsonStyle),
}

/// The place where a time stamp before the body comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimestampSource {
    Header(u64),
    CreatedAt,
    CreatedAtSeconds,
    CreatedAtMillis,
}

impl BodyChange {
    /// Returns the changes to try, the cheapest first.
    pub(super) fn all(
        document: Option<&Document<'_>>,
        timestamp: Option<u64>,
    ) -> impl Iterator<Item = Self> {
        let cheap = [
            Self::WithoutEnd("\n"),
            Self::WithoutEnd("\r\n"),
            Self::WithEnd("\n"),
            Self::WithEnd("\r\n"),
            Self::Empty,
            Self::WithByteOrderMark,
            Self::WithoutByteOrderMark,
            Self::LineFeeds,
            Self::CarriageReturns,
            Self::ToLatin1,
            Self::FromLatin1,
        ];
        let sources = [
            TimestampSource::CreatedAt,
            TimestampSource::CreatedAtSeconds,
            TimestampSource::CreatedAtMillis,
        ];
        let sources = timestamp.map(TimestampSource::Header).into_iter().chain(sources);
        let styles = document.into_iter().flat_map(Document::styles);
        cheap.into_iter().chain(sources.map(Self::Timestamped)).chain(styles.map(Self::Json))
    }

    /// Applies the change to a body and its document. Returns `None` if it does not apply, changes nothing, or takes
    /// more work than is left.
    pub(super) fn apply<'body>(
        self,
        body: &'body [u8],
        document: Option<&Document<'_>>,
        work: &mut Work,
    ) -> Option<Candidate<'body>> {
        if self.is_cheap() {
            work.spend(length(body) / COPIES)?;
        }
        let bytes: Cow<'body, [u8]> = match self {
            Self::None => return Some(Candidate::unchanged(body)),
            Self::WithEnd(end) => [body, end.as_bytes()].concat().into(),
            Self::WithoutEnd(end) => body.strip_suffix(end.as_bytes())?.into(),
            // The body is searched first: that is quicker than to write it again unchanged.
            Self::LineFeeds if !body.contains(&b'\r') => return None,
            Self::CarriageReturns if !body.contains(&b'\n') => return None,
            Self::ToLatin1 | Self::FromLatin1 if body.is_ascii() => return None,
            Self::LineFeeds | Self::CarriageReturns | Self::ToLatin1 | Self::FromLatin1
                if work.spend(CHANGING.saturating_mul(length(body))).is_none() =>
            {
                return None;
            }
            Self::LineFeeds => without_carriage_returns(body).into(),
            Self::CarriageReturns => with_carriage_returns(body).into(),
            Self::WithByteOrderMark => [BYTE_ORDER_MARK, body].concat().into(),
            Self::WithoutByteOrderMark => body.strip_prefix(BYTE_ORDER_MARK)?.into(),
            Self::ToLatin1 => to_latin1(body)?.into(),
            Self::FromLatin1 => from_latin1(body).into(),
            Self::Empty => (&[]).into(),
            Self::Timestamped(source) => {
                let timestamp = source.text(document)?;
                [timestamp.as_bytes(), b".", body].concat().into()
            }
            Self::Json(style) => document?.write(style, work)?.into_bytes().into(),
        };
        (*bytes != *body).then_some(Candidate { change: self, bytes })
    }

    /// Returns true if the change does not write the body again.
    pub(super) fn is_cheap(self) -> bool {
        !matches!(self, Self::Json(_))
    }

    /// Returns true if the change needs the body's document.
    pub(super) fn needs_document(self) -> bool {
        matches!(self, Self::Json(_) | Self::Timestamped(_))
    }

    /// Returns the mistakes that the change stands for, in a body.
    pub(super) fn mistakes(self, body: &[u8]) -> impl Iterator<Item = Mistake> {
        // A body is written again without its byte order mark.
        let lacks_mark = matches!(self, Self::Json(_)) && body.starts_with(BYTE_ORDER_MARK);
        let mark = lacks_mark.then_some(Mistake::BodyByteOrderMark(Difference::Added));
        mark.into_iter().chain(self.mistake())
    }

    fn mistake(self) -> Option<Mistake> {
        Some(match self {
            Self::None => return None,
            Self::WithEnd(_) => Mistake::BodyTrailingNewline(Difference::Lost),
            Self::WithoutEnd(_) => Mistake::BodyTrailingNewline(Difference::Added),
            Self::LineFeeds | Self::CarriageReturns => Mistake::BodyLineBreaks,
            Self::WithByteOrderMark => Mistake::BodyByteOrderMark(Difference::Lost),
            Self::WithoutByteOrderMark => Mistake::BodyByteOrderMark(Difference::Added),
            Self::ToLatin1 | Self::FromLatin1 => Mistake::BodyLatin1,
            Self::Empty => Mistake::BodyEmpty(Party::Signer),
            Self::Timestamped(_) => Mistake::BodyTimestamped,
            Self::Json(style) => Mistake::BodyReserialised { style },
        })
    }
}

/// Writes the signed body as a part of a proof's text.
impl fmt::Display for BodyChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "the body",
            Self::WithEnd("\n") => "the body with LF at its end",
            Self::WithEnd(_) => "the body with CRLF at its end",
            Self::WithoutEnd("\n") => "the body without LF at its end",
            Self::WithoutEnd(_) => "the body without CRLF at its end",
            Self::LineFeeds => "the body with LF for CRLF",
            Self::CarriageReturns => "the body with CRLF for LF",
            Self::WithByteOrderMark => "the body with a byte order mark",
            Self::WithoutByteOrderMark => "the body without its byte order mark",
            Self::ToLatin1 => "the body, decoded as UTF-8 and encoded as Latin-1",
            Self::FromLatin1 => "the body, decoded as Latin-1 and encoded as UTF-8",
            Self::Empty => "an empty body",
            Self::Timestamped(source) => match source {
                TimestampSource::Header(_) => "the header's time stamp, a full stop and the body",
                TimestampSource::CreatedAt => "createdAt, a full stop and the body",
                TimestampSource::CreatedAtSeconds => {
                    "createdAt in seconds, a full stop and the body"
                }
                TimestampSource::CreatedAtMillis => {
                    "createdAt in milliseconds, a full stop and the body"
                }
            },
            Self::Json(style) => return write!(formatter, "the body as {style}"),
        })
    }
}

impl TimestampSource {
    fn text(self, document: Option<&Document<'_>>) -> Option<String> {
        let created_at = || document?.created_at();
        let millis = || Timestamp::parse_rfc3339(created_at()?).map(Timestamp::as_millis);
        match self {
            Self::Header(timestamp) => Some(timestamp.to_string()),
            Self::CreatedAt => created_at().map(str::to_owned),
            Self::CreatedAtSeconds => millis().map(|millis| millis.div_euclid(1000).to_string()),
            Self::CreatedAtMillis => millis().map(|millis| millis.to_string()),
        }
    }
}

fn without_carriage_returns(body: &[u8]) -> Vec<u8> {
    let mut next = body.iter().skip(1);
    let kept = body.iter().filter(|byte| (**byte, next.next()) != (b'\r', Some(&b'\n')));
    kept.copied().collect()
}

fn with_carriage_returns(body: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len());
    let mut before = 0;
    for byte in body {
        if *byte == b'\n' && before != b'\r' {
            changed.push(b'\r');
        }
        changed.push(*byte);
        before = *byte;
    }
    changed
}

fn to_latin1(body: &[u8]) -> Option<Vec<u8>> {
    str::from_utf8(body).ok()?.chars().map(|character| u8::try_from(character).ok()).collect()
}

fn from_latin1(body: &[u8]) -> Vec<u8> {
    body.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}
