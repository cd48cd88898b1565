//! Why a signature or a secret was refused.

use thiserror::Error;

use super::header::SIGNATURE_DIGITS;
use super::{MAX_SECRETS, SIGNATURE_HEADER};

/// Why a signature was refused. The sender is told only that it did not verify; this goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The request has no signature header.
    #[error("signature header missing: expected {SIGNATURE_HEADER}")]
    Missing,
    /// The header's value has the wrong length.
    #[error(
        "signature malformed: expected {SIGNATURE_DIGITS} characters of ASCII, got {found} bytes"
    )]
    Length {
        /// The length that came, in bytes.
        found: usize,
    },
    /// A character of the header's value is not a lowercase hexadecimal digit.
    #[error(
        "signature malformed: expected lowercase hexadecimal digits, got another character at position {position}"
    )]
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

/// Why secrets were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretsError {
    /// Too many secrets, or none.
    #[error("expected 1 to {MAX_SECRETS} secrets, got {found}")]
    Count {
        /// How many came.
        found: usize,
    },
    /// A secret is empty. An empty key would make forging trivial.
    #[error("expected a secret, got an empty string at position {position}")]
    Empty {
        /// Which one, counted from 0.
        position: usize,
    },
    /// A secret has white space or another character that cannot be seen, before, after or inside it. No
    /// signing secret has any, so it was copied badly, or holds more than one. NUL is among them: a key of
    /// nothing else is the same key as an empty one.
    #[error(
        "expected a secret without white space or invisible characters, got some in the secret at position {position}"
    )]
    Invisible {
        /// Which one, counted from 0.
        position: usize,
    },
}
