//! Secrets, the signature header, and the constant-time check that turns bytes into [`Verified`].
//!
//! The sender signs the raw body with HMAC-SHA256 under the signing secret's text, taken as UTF-8
//! bytes and not decoded, and sends the 32 bytes as 64 lowercase hexadecimal digits.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

pub use errors::{SecretsError, SignatureError};
pub use header::Signature;
#[cfg(feature = "npm")]
pub(crate) use precomputed::{BLOCK_BYTES, KeyBlocks, Precomputed};

mod errors;
mod header;
#[cfg(any(test, feature = "npm"))]
mod precomputed;

/// The header that carries the signature. Header names are compared without regard to case.
pub const SIGNATURE_HEADER: &str = "x-cronozen-signature";

/// A SHA-256, and so an HMAC-SHA256, is 32 bytes.
pub const HASH_BYTES: usize = 32;

/// More secrets than any rotation or set of registrations on one URL needs. Every delivery pays for
/// each of them, so the number is bounded.
pub const MAX_SECRETS: usize = 8;

/// White space and control characters; the byte order mark, with which some editors begin a file; and the
/// character that stands for what was no text.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{feff}' | char::REPLACEMENT_CHARACTER)
}

/// One signing secret, held as the key state of its HMAC. Zeroised when dropped.
#[derive(Clone)]
struct Secret(Hmac<Sha256>);

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

    fn sign(&self, body: &[u8]) -> Signature {
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

/// The active secrets, newest first: one to [`MAX_SECRETS`].
#[derive(Clone)]
pub struct Secrets(Vec<Secret>);

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

    /// Signs a body with the newest secret.
    #[cfg(feature = "npm")]
    pub(crate) fn sign(&self, body: &[u8]) -> Signature {
        self.0.first().map_or(Signature([0; HASH_BYTES]), |secret| secret.sign(body))
    }

    /// Checks the signature of the raw body against every active secret.
    ///
    /// The time taken depends on the body's length and the number of secrets, never on the bytes
    /// compared nor on which secret matched.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no secret matches.
    pub fn verify<'body>(
        &self,
        body: &'body [u8],
        signature: Signature,
    ) -> Result<Verified<'body>, SignatureError> {
        let mut macs = [[0; HASH_BYTES]; MAX_SECRETS];
        for (mac, secret) in macs.iter_mut().zip(&self.0) {
            *mac = secret.sign(body).0;
        }
        let key = self.matching(signature, &macs)?;
        Ok(Verified { body, signature, key })
    }

    /// Compares the signature with those of the body, one for each secret, without an early exit. Returns the position
    /// of the secret that matches.
    fn matching(
        &self,
        signature: Signature,
        macs: &[[u8; HASH_BYTES]],
    ) -> Result<u8, SignatureError> {
        let mut matched = Choice::from(0);
        let mut key = 0;
        for (position, mac) in (0u8..).zip(macs.iter().take(self.0.len())) {
            let equal = mac.ct_eq(&signature.0);
            key.conditional_assign(&position, equal & !matched);
            matched |= equal;
        }
        if !bool::from(matched) {
            return Err(SignatureError::Mismatch);
        }
        Ok(key)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({} redacted)", self.0.len())
    }
}

/// A body whose signature has been checked. [`Secrets::verify`] is the only way to make one, so code
/// that asks for it cannot be handed bytes that nobody signed.
///
/// ```compile_fail,E0451
/// use cronozen_edge::signature::{Signature, Verified};
/// let signature = Signature::parse(Some(&[b'0'; 64])).unwrap();
/// let forged = Verified { body: b"{}", signature, key: 0 };
/// ```
///
/// A MAC that the caller has made up cannot make one either:
///
/// ```compile_fail
/// use cronozen_edge::signature::{Precomputed, Secrets, Signature};
/// let secrets = Secrets::parse("whsec_one").unwrap();
/// let signature = Signature::parse(Some(&[b'0'; 64])).unwrap();
/// let forged = secrets.verify_precomputed(b"{}", signature, Precomputed::Macs(&[[0; 32]]));
/// ```
///
/// ```compile_fail,E0624
/// use cronozen_edge::signature::{Secrets, Signature};
/// let secrets = Secrets::parse("whsec_one").unwrap();
/// let signature = Signature::parse(Some(&[b'0'; 64])).unwrap();
/// let forged = secrets.matching(signature, &[[0; 32]]);
/// ```
#[derive(Clone, Copy)]
pub struct Verified<'body> {
    body: &'body [u8],
    signature: Signature,
    key: u8,
}

impl<'body> Verified<'body> {
    /// The exact bytes that were signed.
    #[must_use]
    pub fn body(&self) -> &'body [u8] {
        self.body
    }

    /// The signature that they were signed with.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// The position of the secret that matched; 0 is the newest.
    #[must_use]
    pub fn key(&self) -> u8 {
        self.key
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verified")
            .field("bytes", &self.body.len())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../tests/support/vectors.rs"]
mod vectors;

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        name: String,
        key_hex: String,
        body: Vec<vectors::Part>,
        signature: String,
    }

    #[test]
    fn computes_rfc_4231() {
        for vector in vectors::read::<Vector>(include_str!("../tests/vectors/rfc4231.json")) {
            let key = vectors::bytes(&vector.key_hex);
            let secret = Secret(Hmac::new_from_slice(&key).unwrap());
            let signature = secret.sign(&vectors::body(&vector.body));
            assert_eq!(signature.to_string(), vector.signature, "{}", vector.name);
        }
    }

    #[test]
    fn debug_shows_no_secret_and_no_signature() {
        let secrets = Secrets::parse("whsec_one whsec_two").unwrap();
        let signature = secrets.0[0].sign(b"body");
        let verified = secrets.verify(b"body", signature).unwrap();
        let shown = format!("{secrets:?} {signature:?} {verified:?}");
        assert_eq!(
            shown,
            "Secrets(2 redacted) Signature(redacted) Verified { bytes: 4, key: 0, .. }"
        );
    }

    #[test]
    fn takes_one_to_eight_secrets() {
        for (list, found) in [("", 0), (" \t\n", 0), ("1 2 3 4 5 6 7 8 9", 9)] {
            assert_eq!(Secrets::parse(list).unwrap_err(), SecretsError::Count { found });
        }
        assert_eq!(Secrets::parse("\n1 2\t3\r\n4 5 6 7 8 ").unwrap().0.len(), 8);
        assert_eq!(Secrets::new(&["1"; 8]).unwrap().0.len(), 8);
        for secrets in [vec![], vec!["1"; 9]] {
            let found = secrets.len();
            assert_eq!(Secrets::new(&secrets).unwrap_err(), SecretsError::Count { found });
        }
    }

    #[test]
    fn takes_no_secret_that_is_empty_or_has_what_cannot_be_seen() {
        let empty = SecretsError::Empty { position: 1 };
        assert_eq!(Secrets::new(&["whsec_one", ""]).unwrap_err(), empty);
        for bad in [
            " one",
            "one\n",
            "one two",
            "\u{a0}one",
            "\t",
            "\0",
            "one\0",
            "\u{feff}one",
            "\u{fffd}",
        ] {
            let invisible = SecretsError::Invisible { position: 1 };
            assert_eq!(Secrets::new(&["whsec_one", bad]).unwrap_err(), invisible);
            assert_eq!(sign(b"", bad).unwrap_err(), SecretsError::Invisible { position: 0 });
        }
        for bad in ["whsec_one \0", "whsec_one \u{feff}two"] {
            assert_eq!(Secrets::parse(bad).unwrap_err(), SecretsError::Invisible { position: 1 });
        }
        assert_eq!(sign(b"", "").unwrap_err(), SecretsError::Empty { position: 0 });
    }

    #[test]
    fn an_error_names_the_first_character_that_is_no_digit() {
        for (positions, first) in [([3, 40], 3), ([0, 1], 0), ([63, 63], 63)] {
            let mut digits = [b'0'; 64];
            for position in positions {
                digits[position] = b'G';
            }
            let error = Signature::parse(Some(&digits)).unwrap_err();
            assert_eq!(error, SignatureError::Character { position: first });
        }
    }

    #[test]
    fn signs_what_it_verifies() {
        let secrets = Secrets::new(&["whsec_new", "whsec_old"]).unwrap();
        let signature = sign(b"body", "whsec_old").unwrap();
        assert_eq!(secrets.verify(b"body", signature).unwrap().key(), 1);
        assert!(secrets.verify(b"bodY", signature).is_err());
    }
}
