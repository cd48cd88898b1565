//! Readings of the signature header: the 32 bytes, and the mistakes in the way in which they are written.

use core::fmt;

use super::decode;
use super::mistake::Mistake;
use crate::signature::{MalformedSignature, Signature, SignatureError, without_surroundings};

/// The characters between the parts of a header such as `t=1700000000,v1=…`.
const SEPARATORS: [u8; 3] = [b',', b';', b' '];

/// What was found in the header.
pub(super) struct Header {
    /// The mistakes, from the outside to the inside.
    pub(super) mistakes: Vec<Mistake>,
    /// The signature, if any reading finds one.
    pub(super) found: Option<(Reading, Signature)>,
    /// The number in a part such as `t=1700000000`.
    pub(super) timestamp: Option<u64>,
}

/// The way in which the signature was found in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reading {
    is_surrounded: bool,
    part: Part,
    encoding: Encoding,
}

/// The part of the header that is the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Whole,
    /// The first of several, as when a proxy has sent the header twice.
    First,
    AfterPrefix,
}

/// The encoding of the 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Encoding {
    #[default]
    Hexadecimal,
    UpperCase,
    Base64,
}

impl Header {
    /// Reads the header's value.
    pub(super) fn read(value: Option<&[u8]>) -> Self {
        let malformed = match Signature::parse(value) {
            Ok(signature) => return Self::well_formed(signature),
            Err(SignatureError::Malformed(malformed)) => malformed,
            Err(_) => return Self::unreadable(Mistake::SignatureMissing),
        };
        let value = value.unwrap_or_default();
        let inner = without_surroundings(value);
        let whole = decode(inner).map(|found| (Part::Whole, found));
        let Some((part, (encoding, signature))) = whole.or_else(|| in_parts(inner)) else {
            return Self::unreadable(Mistake::SignatureMalformed(malformed));
        };
        let is_surrounded = inner.len() < value.len();
        let mistakes = [
            is_surrounded.then_some(MalformedSignature::Surrounded),
            match part {
                Part::Whole => None,
                Part::First => Some(malformed),
                Part::AfterPrefix => Some(MalformedSignature::Prefix),
            },
            match encoding {
                Encoding::Hexadecimal => None,
                Encoding::UpperCase => Some(MalformedSignature::UpperCase),
                Encoding::Base64 => Some(MalformedSignature::Base64),
            },
        ];
        Self {
            mistakes: mistakes.into_iter().flatten().map(Mistake::SignatureMalformed).collect(),
            found: Some((Reading { is_surrounded, part, encoding }, signature)),
            timestamp: parts(inner).find_map(timestamp),
        }
    }

    fn well_formed(signature: Signature) -> Self {
        let found = Some((Reading::default(), signature));
        Self { mistakes: Vec::new(), found, timestamp: None }
    }

    fn unreadable(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake], found: None, timestamp: None }
    }
}

/// Writes the reading as a part of a proof's text.
impl fmt::Display for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.part {
            Part::Whole => "the header",
            Part::First => "the first part of the header",
            Part::AfterPrefix => "the header without its prefix",
        })?;
        if self.is_surrounded {
            formatter.write_str(", without the characters around it")?;
        }
        formatter.write_str(match self.encoding {
            Encoding::Hexadecimal => "",
            Encoding::UpperCase => ", in lower case",
            Encoding::Base64 => ", decoded from base64",
        })
    }
}

/// Finds the first part that holds a signature, with or without a prefix.
fn in_parts(value: &[u8]) -> Option<(Part, (Encoding, Signature))> {
    parts(value).enumerate().find_map(|(position, part)| {
        let after_prefix = after_prefix(part).and_then(decode);
        let first = if position == 0 { Part::First } else { Part::AfterPrefix };
        after_prefix
            .map(|found| (Part::AfterPrefix, found))
            .or_else(|| decode(part).map(|found| (first, found)))
    })
}

fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|character| SEPARATORS.contains(character)).map(without_surroundings)
}

fn after_prefix(part: &[u8]) -> Option<&[u8]> {
    let end = part.iter().position(|character| matches!(character, b'=' | b':'))?;
    part.get(end + 1..).map(without_surroundings)
}

/// Returns the number in `t=1700000000`.
fn timestamp(part: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(part.strip_prefix(b"t=")?).ok()?;
    // The text must be the number's own: the proof writes it again.
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// Decodes the 32 bytes of a signature.
fn decode(text: &[u8]) -> Option<(Encoding, Signature)> {
    let is_upper_case = text.iter().any(u8::is_ascii_uppercase);
    let hexadecimal = decode::hexadecimal(text).and_then(|bytes| bytes.as_slice().try_into().ok());
    if let Some(bytes) = hexadecimal {
        let encoding = if is_upper_case { Encoding::UpperCase } else { Encoding::Hexadecimal };
        return Some((encoding, Signature(bytes)));
    }
    // Hexadecimal digits alone are more likely a signature that was cut off.
    if text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes = decode::base64(text)?.as_slice().try_into().ok()?;
    Some((Encoding::Base64, Signature(bytes)))
}
