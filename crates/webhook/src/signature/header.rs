//! The signature header: 64 lowercase hexadecimal digits, and nothing else.

use core::fmt::{self, Write};

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

/// The header that carries the signature. Header names are compared without regard to case.
pub const SIGNATURE_HEADER: &str = "x-cronozen-signature";

/// An HMAC-SHA256 is 32 bytes.
pub(super) const HASH_BYTES: usize = 32;

/// Two hexadecimal digits a byte.
const SIGNATURE_DIGITS: usize = HASH_BYTES * 2;

/// Why a signature was refused. The sender is told only that it did not verify; this goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The request has no signature header.
    #[error("signature header missing: expected {SIGNATURE_HEADER}")]
    Missing,
    /// The header's value has the wrong length.
    #[error(
        "signature malformed: {found} bytes ({SIGNATURE_DIGITS} hexadecimal digits are expected)"
    )]
    Length {
        /// The length that came, in bytes.
        found: usize,
    },
    /// A character of the header's value is not a lowercase hexadecimal digit.
    #[error("signature malformed: no lowercase hexadecimal digit at position {position}")]
    Character {
        /// Where the first such character stands, counted from 0.
        position: usize,
    },
    /// The signature is well formed, and of no active secret.
    #[error("signature mismatch: the body was signed with none of the active secrets")]
    Mismatch,
}

impl SignatureError {
    /// The stable name of the error, for the owner's programs. The sender gets one code for all of them.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Length { .. } | Self::Character { .. } => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// A signature of the right form, of whichever body and secret.
#[derive(Clone, Copy)]
pub struct Signature(pub(super) [u8; HASH_BYTES]);

impl Signature {
    /// Reads the header's value: exactly 64 lowercase hexadecimal digits and nothing else.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] without a value, [`SignatureError::Length`] or
    /// [`SignatureError::Character`] for any other form.
    pub fn parse(value: Option<&[u8]>) -> Result<Self, SignatureError> {
        let value = value.ok_or(SignatureError::Missing)?;
        if value.len() != SIGNATURE_DIGITS {
            return Err(SignatureError::Length { found: value.len() });
        }
        // All at once, and not up to the first that is wrong, so that the compiler can use SIMD.
        if !value.iter().fold(true, |all, character| all & is_digit(*character)) {
            let position = value.iter().position(|character| !is_digit(*character)).unwrap_or(0);
            return Err(SignatureError::Character { position });
        }
        let mut bytes = [0; HASH_BYTES];
        for (byte, [high, low]) in bytes.iter_mut().zip(value.as_chunks().0) {
            *byte = digit(*high) << 4 | digit(*low);
        }
        Ok(Self(bytes))
    }

    /// Returns the position of the HMAC that this is, among those of one body with several secrets. Every one of them is
    /// compared in constant time. This is for a caller whose platform computes HMACs; it proves nothing of a body.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if it is none of them.
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

/// The wire form, 64 lowercase hexadecimal digits.
impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(character).try_for_each(|digit| formatter.write_char(digit))
    }
}

/// Redacted: a captured signature stays valid until its secret rotates.
impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signature(redacted)")
    }
}

/// The hexadecimal digit of a value below 16.
fn character(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 })
}

fn is_digit(character: u8) -> bool {
    matches!(character, b'0'..=b'9' | b'a'..=b'f')
}

/// The value of a digit.
fn digit(character: u8) -> u8 {
    (character & 15) + 9 * (character >> 6)
}
