//! The active signing secrets.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::header::{HASH_BYTES, Signature, is_quotation_mark};

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
    /// A secret is empty, or consists of white space. Anyone could forge signatures with an empty key.
    #[error("secret at position {position} is empty or blank")]
    Empty {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
    /// A secret contains white space between other characters: it is probably several secrets.
    #[error("secret at position {position} contains white space")]
    InnerWhiteSpace {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
    /// A secret starts or ends with white space, such as the line break at the end of a file.
    #[error("secret at position {position} starts or ends with white space")]
    OuterWhiteSpace {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
    /// A secret starts or ends with `"`, `'` or `` ` ``, which were copied with it.
    #[error("secret at position {position} starts or ends with a quotation mark")]
    QuotationMark {
        /// The position of the secret in the list, counted from 0.
        position: usize,
    },
    /// A secret contains a control character, a character without width, or a replacement character (U+FFFD). No
    /// signing secret has any of these, so the text was copied badly. NUL is one of them, because HMAC treats a key of
    /// NULs like an empty one.
    #[error("secret at position {position} contains an invisible character")]
    InvisibleCharacter {
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
    /// [`SecretsError`] if there is no secret, if there are more than [`MAX_SECRETS`], or if one has a quotation mark
    /// around it or contains an invisible character.
    pub fn parse(list: &str) -> Result<Self, SecretsError> {
        Self::collect(list.split_whitespace())
    }

    /// Makes a set of secrets from separate strings, newest first. The strings are not trimmed.
    ///
    /// # Errors
    /// [`SecretsError`] if there is no secret, if there are more than [`MAX_SECRETS`], or if one is empty, has a
    /// quotation mark around it, or contains white space or an invisible character.
    pub fn new(secrets: &[impl AsRef<str>]) -> Result<Self, SecretsError> {
        Self::collect(secrets.iter().map(AsRef::as_ref))
    }

    fn collect<'text>(
        texts: impl Iterator<Item = &'text str> + Clone,
    ) -> Result<Self, SecretsError> {
        let mut found = 0;
        for (position, text) in texts.clone().enumerate() {
            check(text, position)?;
            found += 1;
        }
        if !(1..=MAX_SECRETS).contains(&found) {
            return Err(SecretsError::Count { found });
        }
        // Allocates all of the memory now: a vector that grows would leave copies of the keys behind.
        let mut secrets = Vec::with_capacity(MAX_SECRETS);
        secrets.extend(texts.filter_map(Secret::new));
        Ok(Self(secrets))
    }

    /// Returns these secrets followed by `older` ones, which may come from another setting.
    ///
    /// # Errors
    /// [`SecretsError::Count`] if there are more than [`MAX_SECRETS`] together.
    pub fn followed_by(&self, older: &Self) -> Result<Self, SecretsError> {
        let found = self.count() + older.count();
        if found > MAX_SECRETS {
            return Err(SecretsError::Count { found });
        }
        // Not in the vector of either: it would grow.
        let mut secrets = Vec::with_capacity(MAX_SECRETS);
        secrets.extend_from_slice(&self.0);
        secrets.extend_from_slice(&older.0);
        Ok(Self(secrets))
    }

    /// Returns the number of secrets: 1 to [`MAX_SECRETS`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
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
pub(crate) struct Secret(pub(super) Hmac<Sha256>);

impl Secret {
    /// Makes a secret from its text. It never returns `None`, because HMAC accepts a key of any length.
    fn new(text: &str) -> Option<Self> {
        Self::from_key(text.as_bytes())
    }

    /// Makes a secret from the bytes of its key.
    pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).map(Self).ok()
    }

    pub(crate) fn sign(&self, body: &[u8]) -> Signature {
        let mut mac = self.0.clone();
        mac.update(body);
        Signature(mac.finalize().into_bytes().into())
    }
}

/// Checks that a text can be a secret. `position` is for the error. White space comes first: it surrounds whatever else is
/// wrong.
fn check(text: &str, position: usize) -> Result<(), SecretsError> {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (None, _) => Err(SecretsError::Empty { position }),
        (_, Some(_)) => Err(SecretsError::InnerWhiteSpace { position }),
        (Some(word), _) if word.len() < text.len() => {
            Err(SecretsError::OuterWhiteSpace { position })
        }
        (Some(word), _) if is_quoted(word) => Err(SecretsError::QuotationMark { position }),
        (Some(word), _) if word.contains(is_invisible) => {
            Err(SecretsError::InvisibleCharacter { position })
        }
        _ => Ok(()),
    }
}

/// Returns true if the text starts or ends with a quotation mark, as secrets do that were copied out of a file.
fn is_quoted(text: &str) -> bool {
    let bytes = text.as_bytes();
    [bytes.first(), bytes.last()].into_iter().flatten().any(|byte| is_quotation_mark(*byte))
}

/// Returns true for control characters, for characters without width, such as the byte order mark, which some editors
/// put at the start of a file, and for the replacement character, which decoders put in place of invalid bytes.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{feff}'
                | char::REPLACEMENT_CHARACTER
        )
}
