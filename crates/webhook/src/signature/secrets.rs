//! The active signing secrets.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::header::{HASH_BYTES, Signature};

/// The largest number of active secrets. It is more than any rotation, or any set of registrations on one URL, needs.
/// It is limited because each delivery is checked against every secret.
pub const MAX_SECRETS: usize = 8;

/// The reason why secrets were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// Too many secrets, or none.
    #[error("wrong number of secrets: {found} (1 to {MAX_SECRETS} are allowed)")]
    Count {
        /// The number of secrets in the list.
        found: usize,
    },
    /// A secret is empty. Anyone could forge signatures with an empty key.
    #[error("secret at position {position} is empty")]
    Empty {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
    /// A secret contains white space, a control character, a byte order mark or a replacement character (U+FFFD). No
    /// signing secret has any of these, so the text was copied badly or is more than one secret. NUL is one of them,
    /// because HMAC treats a key of NULs like an empty one.
    #[error("secret at position {position} contains white space or an invisible character")]
    Invisible {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
}

/// The active secrets, newest first: 1 to [`MAX_SECRETS`]. They are zeroised when dropped.
#[derive(Clone)]
pub struct Secrets(pub(super) Vec<Secret>);

impl Secrets {
    /// Reads a list of secrets separated by white space, newest first.
    ///
    /// # Errors
    /// [`SecretsError`] if there is no secret, if there are more than [`MAX_SECRETS`], or if one contains an invisible
    /// character.
    pub fn parse(list: &str) -> Result<Self, SecretsError> {
        Self::collect(list.split_whitespace())
    }

    /// Makes a set of secrets from separate strings, newest first. The strings are not trimmed.
    ///
    /// # Errors
    /// [`SecretsError`] if there is no secret, if there are more than [`MAX_SECRETS`], or if one is empty or contains
    /// white space or an invisible character.
    pub fn new(secrets: &[impl AsRef<str>]) -> Result<Self, SecretsError> {
        Self::collect(secrets.iter().map(AsRef::as_ref))
    }

    fn collect<'text>(texts: impl Iterator<Item = &'text str>) -> Result<Self, SecretsError> {
        // Allocates all of the memory now: a vector that grows would leave copies of the keys behind.
        let mut secrets = Vec::with_capacity(MAX_SECRETS);
        let mut found = 0;
        for (position, text) in texts.enumerate() {
            let secret = Secret::new(text, position)?;
            found += 1;
            if secrets.len() < MAX_SECRETS {
                secrets.push(secret);
            }
        }
        match found {
            1..=MAX_SECRETS => Ok(Self(secrets)),
            found => Err(SecretsError::Count { found }),
        }
    }

    /// Signs a body with the newest secret, as the sender does.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Signature {
        // There is always a first secret, so the default is never used.
        self.0.first().map_or(Signature([0; HASH_BYTES]), |secret| secret.sign(body))
    }

    /// Computes the HMAC of a body with each secret, in their order. Writes the HMACs into `room` and returns them.
    pub(super) fn macs<'room>(
        &self,
        body: &[u8],
        room: &'room mut [[u8; HASH_BYTES]; MAX_SECRETS],
    ) -> &'room [[u8; HASH_BYTES]] {
        for (mac, secret) in room.iter_mut().zip(&self.0) {
            *mac = secret.sign(body).0;
        }
        room.get(..self.0.len()).unwrap_or_default()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({} redacted)", self.0.len())
    }
}

/// A signing secret, kept as the key state of its HMAC. It is zeroised when dropped.
#[derive(Clone)]
pub(super) struct Secret(pub(super) Hmac<Sha256>);

impl Secret {
    /// Makes a secret from its text, which is not trimmed. `position` is for errors.
    fn new(text: &str, position: usize) -> Result<Self, SecretsError> {
        if text.contains(is_invisible) {
            return Err(SecretsError::Invisible { position });
        }
        if text.is_empty() {
            return Err(SecretsError::Empty { position });
        }
        // HMAC accepts a key of any length, so this error never occurs.
        Hmac::new_from_slice(text.as_bytes())
            .map(Self)
            .map_err(|_| SecretsError::Empty { position })
    }

    pub(super) fn sign(&self, body: &[u8]) -> Signature {
        let mut mac = self.0.clone();
        mac.update(body);
        Signature(mac.finalize().into_bytes().into())
    }
}

/// Returns true for white space and control characters, for the byte order mark, which some editors put at the start of
/// a file, and for the replacement character, which decoders put in place of invalid bytes.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{feff}' | char::REPLACEMENT_CHARACTER)
}
