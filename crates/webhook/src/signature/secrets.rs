//! The active signing secrets.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::header::{HASH_BYTES, Signature};

/// More secrets than any rotation or set of registrations on one URL needs. Every delivery pays for
/// each of them, so the number is bounded.
pub const MAX_SECRETS: usize = 8;

/// Why secrets were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// Too many secrets, or none.
    #[error("wrong number of secrets: {found} (1 to {MAX_SECRETS} are allowed)")]
    Count {
        /// How many came.
        found: usize,
    },
    /// A secret is empty. An empty key would make forging trivial.
    #[error("secret at position {position} is empty")]
    Empty {
        /// Which one, counted from 0.
        position: usize,
    },
    /// A secret has white space or another character that cannot be seen, before, after or inside it. No
    /// signing secret has any, so it was copied badly, or holds more than one. NUL is among them: a key of
    /// nothing else is the same key as an empty one.
    #[error("secret at position {position} contains white space or an invisible character")]
    Invisible {
        /// Which one, counted from 0.
        position: usize,
    },
}

/// The active secrets, newest first: one to [`MAX_SECRETS`].
#[derive(Clone)]
pub struct Secrets(pub(super) Vec<Secret>);

impl Secrets {
    /// Reads a list of secrets separated by white space, newest first.
    ///
    /// # Errors
    /// [`SecretsError`] if the list holds none, more than [`MAX_SECRETS`], or a bad one.
    pub fn parse(list: &str) -> Result<Self, SecretsError> {
        Self::collect(list.split_whitespace())
    }

    /// Takes each secret as it stands, newest first.
    ///
    /// # Errors
    /// [`SecretsError`] if there is none, if there are more than [`MAX_SECRETS`], or if one is bad.
    pub fn new(secrets: &[impl AsRef<str>]) -> Result<Self, SecretsError> {
        Self::collect(secrets.iter().map(AsRef::as_ref))
    }

    fn collect<'text>(texts: impl Iterator<Item = &'text str>) -> Result<Self, SecretsError> {
        // With all the room at once: growing would leave copies of the keys behind.
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
        // There is always a first.
        self.0.first().map_or(Signature([0; HASH_BYTES]), |secret| secret.sign(body))
    }

    /// Returns the HMACs of a body, one for each secret in their order, in `room`.
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

/// One signing secret, held as the key state of its HMAC. Zeroised when dropped.
#[derive(Clone)]
pub(super) struct Secret(pub(super) Hmac<Sha256>);

impl Secret {
    /// Takes the text as it stands; `position` is where it stands among several.
    fn new(text: &str, position: usize) -> Result<Self, SecretsError> {
        if text.contains(is_invisible) {
            return Err(SecretsError::Invisible { position });
        }
        if text.is_empty() {
            return Err(SecretsError::Empty { position });
        }
        // HMAC takes a key of any length, so the error of this signature never comes.
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

/// Signs a body as the sender does, for tests and local senders.
///
/// # Errors
/// [`SecretsError`] if the secret is empty or has white space in it.
pub fn sign(body: &[u8], secret: &str) -> Result<Signature, SecretsError> {
    Ok(Secret::new(secret, 0)?.sign(body))
}

/// White space and control characters; the byte order mark, with which some editors begin a file; and the
/// character that stands for what was no text.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{feff}' | char::REPLACEMENT_CHARACTER)
}
