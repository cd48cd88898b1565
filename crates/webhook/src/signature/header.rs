//! The signature header: 64 lowercase hexadecimal digits, and nothing else.

use core::fmt::{self, Write};

use super::{HASH_BYTES, SignatureError};

/// Two hexadecimal digits a byte.
pub(super) const SIGNATURE_DIGITS: usize = HASH_BYTES * 2;

/// A signature of the right form. Whether it is the right one only [`Secrets::verify`](super::Secrets::verify) tells.
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
