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

/// The reason why a signature was refused. It is for the log: the sender should only learn that the signature did not
/// verify.
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
        /// The length of the value, in bytes.
        found: usize,
    },
    /// A character of the header's value is not a lowercase hexadecimal digit.
    #[error("signature malformed: not a lowercase hexadecimal digit at position {position}")]
    Character {
        /// The position of the first such character, counted from 0.
        position: usize,
    },
    /// The signature is well formed, but none of the active secrets has signed the body.
    #[error("signature mismatch: no active secret matches the body")]
    Mismatch,
}

impl SignatureError {
    /// Returns the stable name of the error, for the receiver's programs. The gateway gives the sender one code for
    /// all of them.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Length { .. } | Self::Character { .. } => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// A well-formed signature. It is not checked against any body or secret.
#[derive(Clone, Copy)]
pub struct Signature(pub(super) [u8; HASH_BYTES]);

impl Signature {
    /// Reads the header's value: exactly 64 lowercase hexadecimal digits and nothing else.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] without a value, and [`SignatureError::Length`] or [`SignatureError::Character`] for
    /// a value in any other form.
    pub fn parse(value: Option<&[u8]>) -> Result<Self, SignatureError> {
        let value = value.ok_or(SignatureError::Missing)?;
        if value.len() != SIGNATURE_DIGITS {
            return Err(SignatureError::Length { found: value.len() });
        }
        // Checks all characters, not only those up to the first wrong one, so that the compiler can use SIMD.
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
