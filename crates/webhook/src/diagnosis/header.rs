//! Readings of the signature header: the 32 bytes, and the mistakes in the way in which they are written.

use core::fmt;

use super::decode;
use super::mistake::Mistake;
use crate::signature::{MalformedSignature, Signature, SignatureError, without_surroundings};

/// The characters between the parts of a header such as `t=1700000000,v1=…`.
const SEPARATORS: [u8; 3] = [b',', b';', b' '];

/// The largest number of signatures in one header that are tried. A sender that rotates its secret sends two.
const MAX_READINGS: usize = 4;

/// The readings of a header, and its mistakes.
pub(super) struct Header {
    /// The signatures in it, each with the way in which it was found.
    pub(super) found: Vec<(Reading, Signature)>,
    /// True if more signatures were left out.
    pub(super) is_cut_short: bool,
    /// The number in a part such as `t=1700000000`.
    pub(super) timestamp: Option<u64>,
    /// The mistake that the verifier names.
    mistake: Option<Mistake>,
}

/// The way in which a signature was found in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reading {
    is_surrounded: bool,
    part: Part,
    /// The position among the signatures, if there are several.
    position: Option<usize>,
    encoding: Encoding,
}

/// The part of the header that is the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Whole,
    /// One of several values, as when a proxy has set the header twice.
    Repeated,
    /// The first part, beside something else.
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
    Base64OfDigits,
}

impl Header {
    /// Reads the header's value.
    pub(super) fn read(value: Option<&[u8]>) -> Self {
        let mistake = match Signature::parse(value) {
            Ok(signature) => {
                let found = vec![(Reading::default(), signature)];
                return Self { found, is_cut_short: false, timestamp: None, mistake: None };
            }
            Err(SignatureError::Malformed(malformed)) => Mistake::SignatureMalformed(malformed),
            Err(_) => Mistake::SignatureMissing,
        };
        let value = value.unwrap_or_default();
        let inner = without_surroundings(value);
        let mut found: Vec<_> = match decode(inner) {
            Some(whole) => vec![(Part::Whole, whole)],
            None => in_parts(inner).take(MAX_READINGS + 1).collect(),
        };
        let is_cut_short = found.len() > MAX_READINGS;
        found.truncate(MAX_READINGS);
        let is_surrounded = inner.len() < value.len();
        let are_several = found.len() > 1;
        let with_reading = |(position, (part, (encoding, signature)))| {
            let position = are_several.then_some(position);
            (Reading { is_surrounded, part, position, encoding }, signature)
        };
        Self {
            found: found.into_iter().enumerate().map(with_reading).collect(),
            is_cut_short,
            timestamp: parts(inner).find_map(timestamp),
            mistake: Some(mistake),
        }
    }

    /// Returns the mistakes of the reading that matches, or of the first, from the outside to the inside.
    pub(super) fn mistakes(&self, matching: Option<Reading>) -> Vec<Mistake> {
        let first = self.found.first().map(|(reading, _)| *reading);
        let Some(reading) = matching.or(first) else {
            return self.mistake.into_iter().collect();
        };
        let malformed = Mistake::SignatureMalformed;
        let mistakes = [
            reading.is_surrounded.then_some(malformed(MalformedSignature::Surrounded)),
            match reading.part {
                Part::Whole => None,
                Part::Repeated => Some(Mistake::SignatureRepeated),
                Part::First => self.mistake,
                Part::AfterPrefix => Some(malformed(MalformedSignature::Prefix)),
            },
            match reading.encoding {
                Encoding::Hexadecimal => None,
                Encoding::UpperCase => Some(malformed(MalformedSignature::UpperCase)),
                Encoding::Base64 => Some(malformed(MalformedSignature::Base64)),
                Encoding::Base64OfDigits => Some(Mistake::SignatureBase64OfDigits),
            },
        ];
        mistakes.into_iter().flatten().collect()
    }
}

/// Writes the reading as a part of a proof's text.
impl fmt::Display for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.position, self.part) {
            (Some(position), _) => {
                write!(formatter, "the signature at position {position} in the header")
            }
            (None, Part::Whole) => formatter.write_str("the header"),
            (None, Part::AfterPrefix) => formatter.write_str("the header without its prefix"),
            (None, _) => formatter.write_str("a part of the header"),
        }?;
        if self.is_surrounded {
            formatter.write_str(", without the characters around it")?;
        }
        formatter.write_str(match self.encoding {
            Encoding::Hexadecimal => "",
            Encoding::UpperCase => ", in lower case",
            Encoding::Base64 => ", decoded from base64",
            Encoding::Base64OfDigits => ", decoded from base64 to digits",
        })
    }
}

/// Finds the parts that hold a signature, with or without a prefix.
fn in_parts(value: &[u8]) -> impl Iterator<Item = (Part, (Encoding, Signature))> {
    let is_value = |part: &[u8]| part.is_empty() || decode(part).is_some();
    let is_repeated = parts(value).all(is_value);
    parts(value).enumerate().filter_map(move |(position, part)| {
        let found = after_prefix(part).and_then(decode).map(|found| (Part::AfterPrefix, found));
        let bare = match position {
            _ if is_repeated => Part::Repeated,
            0 => Part::First,
            _ => Part::AfterPrefix,
        };
        found.or_else(|| decode(part).map(|found| (bare, found)))
    })
}

fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|character| SEPARATORS.contains(character)).map(without_surroundings)
}

fn after_prefix(part: &[u8]) -> Option<&[u8]> {
    if let Some(digits) = part.strip_prefix(b"0x").or_else(|| part.strip_prefix(b"0X")) {
        return Some(digits);
    }
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
    let of_digits = |text| decode::hexadecimal(text)?.as_slice().try_into().ok().map(Signature);
    if let Some(signature) = of_digits(text) {
        let is_upper_case = text.iter().any(u8::is_ascii_uppercase);
        let encoding = if is_upper_case { Encoding::UpperCase } else { Encoding::Hexadecimal };
        return Some((encoding, signature));
    }
    // Hexadecimal digits alone are more likely a signature that was cut off.
    if text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes = decode::base64(text)?;
    match bytes.as_slice().try_into() {
        Ok(bytes) => Some((Encoding::Base64, Signature(bytes))),
        Err(_) => of_digits(&bytes).map(|signature| (Encoding::Base64OfDigits, signature)),
    }
}
