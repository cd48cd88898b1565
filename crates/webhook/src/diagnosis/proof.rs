//! The proof that a diagnosis is right: the combination with which the signature matches.

use core::fmt;
use std::borrow::Cow;

use zeroize::Zeroizing;

use super::body::{BodyChange, Candidate};
use super::header::Reading;
use super::json::Document;
use super::secret::{Key, SecretChange};
use super::work::Work;
use crate::signature::Signature;

/// A combination of a signature, a key and a body that match. Only a function that has compared the HMAC in constant
/// time makes one. It is shown as one line, which holds no secret, no signature and no part of the body:
///
/// `HMAC-SHA256 of the body without LF at its end, with the secret at position 0, equals the header`
///
/// Anyone can check it: the HMAC of [`Self::body`] with [`Self::key`] is [`Self::signature`].
///
/// ```compile_fail,E0451
/// use cronozen_webhook::diagnosis::Proof;
/// fn forged(proof: Proof) -> Proof {
///     Proof { position: 1, ..proof }
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    reading: Reading,
    signature: Signature,
    position: usize,
    secret: SecretChange,
    body: BodyChange,
}

impl Proof {
    /// Compares the HMAC of a candidate with signatures, each in constant time. Returns a proof if one is equal.
    pub(super) fn check(
        found: &[(Reading, Signature)],
        key: &Key,
        body: &Candidate<'_>,
    ) -> Option<Self> {
        #[cfg(test)]
        super::work::meter::add(body.bytes().len());
        let mac = key.secret.sign(body.bytes());
        let is_equal = |signature: Signature| signature.position_in(&[mac.0]).is_ok();
        let (reading, signature) = *found.iter().find(|(_, signature)| is_equal(*signature))?;
        Some(Self {
            reading,
            signature,
            position: key.position,
            secret: key.change,
            body: body.change(),
        })
    }

    /// Returns the signature that was found in the header.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Returns the position of the secret from which the key was made, counted from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the bytes that were signed. `body` must be the body of the diagnosis.
    #[must_use]
    pub fn body<'body>(&self, body: &'body [u8]) -> Cow<'body, [u8]> {
        // One body takes less work than the search in which it was found.
        let mut work = Work::default();
        let needs_document = self.body.needs_document();
        let document = needs_document.then(|| Document::parse(body, &mut work)).flatten();
        let candidate = self.body.apply(body, document.as_ref(), &mut work);
        candidate.map_or(Cow::Borrowed(body), Candidate::into_bytes)
    }

    /// Returns the bytes of the key. `secrets` must be those of the diagnosis.
    #[must_use]
    pub fn key(&self, secrets: &[impl AsRef<str>]) -> Zeroizing<Vec<u8>> {
        let text = secrets.get(self.position).map_or("", AsRef::as_ref);
        self.secret.key(text).unwrap_or_default()
    }

    pub(super) fn reading(&self) -> Reading {
        self.reading
    }

    pub(super) fn secret_change(&self) -> SecretChange {
        self.secret
    }

    pub(super) fn body_change(&self) -> BodyChange {
        self.body
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reading, position, secret, body, .. } = self;
        write!(
            formatter,
            "HMAC-SHA256 of {body}, with the secret at position {position}{secret}, equals {reading}"
        )
    }
}
