//! The signature header: 64 lowercase hexadecimal digits, and nothing else.

use core::fmt::{self, Write};

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

/// The name of the header that carries the signature. The case of header names does not matter.
pub const SIGNATURE_HEADER: &str = "x-cronozen-signature";

/// The length of an HMAC-SHA256, in bytes.
pub(super) const HASH_BYTES: usize = 32;

/// The length of a signature: two hexadecimal digits for each byte.
const SIGNATURE_DIGITS: usize = HASH_BYTES * 2;

/// The length of the same bytes in base64, without padding: a character for every 6 bits.
const BASE64_CHARACTERS: usize = (HASH_BYTES * 8).div_ceil(6);

/// The reason why a signature was refused. It is for the log: the sender should only learn that the signature did not
/// verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The request has no signature header.
    #[error("signature header missing: expected {SIGNATURE_HEADER}")]
    Missing,
    /// The header's value is not 64 lowercase hexadecimal digits.
    #[error(
        "signature malformed: {0} ({SIGNATURE_DIGITS} lowercase hexadecimal digits are expected)"
    )]
    Malformed(MalformedSignature),
    /// The signature is well formed, but none of the active secrets has signed the body.
    #[error(
        "signature mismatch: no active secret matches the body. Usual causes: another secret, another registration's \
         secret, a body that was parsed and serialised again, an added newline (see 'When a signature does not match' \
         in the README of the npm package cronozen-edge)"
    )]
    Mismatch,
}

impl SignatureError {
    /// Returns the stable name of the error, for the receiver's programs. The gateway gives the sender one code for
    /// all of them.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed(_) => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// The mistake in a malformed signature. Its text never quotes the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MalformedSignature {
    /// The header is there, but empty.
    #[error("empty")]
    Empty,
    /// A prefix that ends with `=`, as other senders have it, and then 32 bytes in hexadecimal digits or base64.
    #[error("starts with a prefix such as sha256=")]
    Prefix,
    /// 64 hexadecimal digits between white space or quotation marks.
    #[error("surrounded by white space or quotation marks")]
    Surrounded,
    /// The 32 bytes in base64 or base64url.
    #[error("base64 of {HASH_BYTES} bytes")]
    Base64,
    /// 64 hexadecimal digits, some of them in upper case.
    #[error("upper-case hexadecimal digits")]
    UpperCase,
    /// Another length.
    #[error("{found} bytes")]
    Length {
        /// The length of the value, in bytes.
        found: usize,
    },
    /// The right length, but a character that is not a hexadecimal digit.
    #[error("invalid character at position {position}")]
    Character {
        /// The position of the first such character, counted from 0.
        position: usize,
    },
}

impl MalformedSignature {
    /// Returns the mistake in a value that is not 64 lowercase hexadecimal digits.
    #[cold]
    fn of(value: &[u8]) -> Self {
        if value.is_empty() {
            return Self::Empty;
        }
        if value.len() == SIGNATURE_DIGITS {
            let invalid = value.iter().position(|character| !character.is_ascii_hexdigit());
            return invalid.map_or(Self::UpperCase, |position| Self::Character { position });
        }
        if is_base64(value) {
            return Self::Base64;
        }
        if is_hexadecimal(without_surroundings(value)) {
            return Self::Surrounded;
        }
        let mut parts = value.splitn(2, |character| *character == b'=');
        let after_prefix = parts.nth(1).unwrap_or_default();
        if is_hexadecimal(after_prefix) || is_base64(after_prefix) {
            return Self::Prefix;
        }
        Self::Length { found: value.len() }
    }
}

/// Returns true for 64 hexadecimal digits, in upper or lower case.
fn is_hexadecimal(value: &[u8]) -> bool {
    value.len() == SIGNATURE_DIGITS && value.iter().all(u8::is_ascii_hexdigit)
}

/// Returns the value without white space and quotation marks at its ends.
pub(crate) fn without_surroundings(value: &[u8]) -> &[u8] {
    // By hand, because `str::trim_matches` would add 290 bytes to the npm package.
    let is_inside =
        |character: &u8| !character.is_ascii_whitespace() && !is_quotation_mark(*character);
    let start = value.iter().position(is_inside).unwrap_or_default();
    let end = value.iter().rposition(is_inside).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// Returns true for the marks that people put around a value in a file.
pub(crate) fn is_quotation_mark(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'`')
}

/// Returns true for 32 bytes in base64 or base64url, with or without padding. Hexadecimal digits alone are more likely
/// a signature that was cut off.
fn is_base64(value: &[u8]) -> bool {
    let digits = value.strip_suffix(b"=").unwrap_or(value);
    let in_alphabet =
        |character: &u8| character.is_ascii_alphanumeric() || b"+/-_".contains(character);
    digits.len() == BASE64_CHARACTERS
        && digits.iter().all(in_alphabet)
        && !digits.iter().all(u8::is_ascii_hexdigit)
}

/// A well-formed signature. It is not checked against any body or secret.
#[derive(Clone, Copy)]
pub struct Signature(pub(crate) [u8; HASH_BYTES]);

impl Signature {
    /// Reads the header's value: exactly 64 lowercase hexadecimal digits and nothing else.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] without a value, and [`SignatureError::Malformed`] for a value in any other form.
    pub fn parse(value: Option<&[u8]>) -> Result<Self, SignatureError> {
        let value = value.ok_or(SignatureError::Missing)?;
        // Checks all characters, not only those up to the first wrong one, so that the compiler can use SIMD.
        if value.len() != SIGNATURE_DIGITS
            || !value.iter().fold(true, |all, character| all & is_digit(*character))
        {
            return Err(SignatureError::Malformed(MalformedSignature::of(value)));
        }
        let mut bytes = [0; HASH_BYTES];
        for (byte, [high, low]) in bytes.iter_mut().zip(value.as_chunks().0) {
            *byte = digit(*high) << 4 | digit(*low);
        }
        Ok(Self(bytes))
    }

    /// Returns the position, counted from 0, of the first HMAC in `macs` that equals this signature. Of more than 256
    /// HMACs, only the first 256 count. Each is compared in constant time.
    ///
    /// This is for a caller whose platform computes the HMACs of a body. It proves nothing about a body.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if none of the HMACs equals the signature.
    pub fn position_in(self, macs: &[[u8; HASH_BYTES]]) -> Result<u8, SignatureError> {
        let mut matched = Choice::from(0);
        let mut key = 0;
        for (position, mac) in (0..=u8::MAX).zip(macs) {
            let equal = mac.ct_eq(&self.0);
            key.conditional_assign(&position, equal & !matched);
            matched |= equal;
        }
        if !bool::from(matched) {
            return Err(SignatureError::Mismatch);
        }
        Ok(key)
    }
}

/// Writes the value of the header: 64 lowercase hexadecimal digits.
impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(character).try_for_each(|digit| formatter.write_char(digit))
    }
}

/// Redacts the signature: a captured one stays valid until its secret rotates.
impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signature(redacted)")
    }
}

/// Returns the hexadecimal digit of a value below 16.
fn character(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 })
}

fn is_digit(character: u8) -> bool {
    matches!(character, b'0'..=b'9' | b'a'..=b'f')
}

/// Returns the value of a hexadecimal digit.
fn digit(character: u8) -> u8 {
    (character & 15) + 9 * (character >> 6)
}
