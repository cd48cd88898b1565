//! The proof that a body is signed with one of the secrets.

use core::fmt;

use super::header::{HASH_BYTES, Signature, SignatureError};
use super::secrets::{MAX_SECRETS, Secrets};

/// A body whose signature has been checked. Only [`Secrets::verify`] makes one, so code that requires a `VerifiedBody`
/// cannot receive unsigned bytes.
///
/// ```compile_fail,E0451
/// use cronozen_webhook::signature::{Signature, VerifiedBody};
/// let signature = Signature::parse(Some(&[b'0'; 64])).unwrap();
/// let forged = VerifiedBody { body: b"{}", signature, key: 0 };
/// ```
///
/// A made-up HMAC does not make one either:
///
/// ```compile_fail,E0308
/// use cronozen_webhook::signature::{Signature, VerifiedBody};
/// let signature = Signature::parse(Some(&[b'0'; 64])).unwrap();
/// let forged: VerifiedBody<'_> = signature.position_in(&[[0; 32]]).unwrap();
/// ```
#[derive(Clone, Copy)]
pub struct VerifiedBody<'body> {
    body: &'body [u8],
    signature: Signature,
    key: u8,
}

impl<'body> VerifiedBody<'body> {
    /// Returns the exact bytes that were signed.
    #[must_use]
    pub fn body(&self) -> &'body [u8] {
        self.body
    }

    /// Returns the signature of the body.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Returns the position of the secret that matched; 0 is the newest.
    #[must_use]
    pub fn key(&self) -> u8 {
        self.key
    }
}

impl fmt::Debug for VerifiedBody<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifiedBody")
            .field("bytes", &self.body.len())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Checks the signature of the raw body against every active secret.
    ///
    /// The time that this takes depends on the body's length and the number of secrets, never on the bytes that are
    /// compared or on the secret that matches.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no secret matches.
    pub fn verify<'body>(
        &self,
        body: &'body [u8],
        signature: Signature,
    ) -> Result<VerifiedBody<'body>, SignatureError> {
        let mut macs = [[0; HASH_BYTES]; MAX_SECRETS];
        let macs = self.macs(body, &mut macs);
        let key = signature.position_in(macs)?;
        Ok(VerifiedBody { body, signature, key })
    }
}
