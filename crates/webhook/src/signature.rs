//! Secrets, the signature header, and the constant-time check that makes a [`VerifiedBody`].
//!
//! The sender signs the raw body with HMAC-SHA256. The key is the UTF-8 text of the whole signing secret, with its
//! prefix and without decoding. The signature header carries the 32 bytes as 64 lowercase hexadecimal digits.

pub use header::{MalformedSignature, SIGNATURE_HEADER, Signature, SignatureError};
pub use secrets::{MAX_SECRETS, Secrets, SecretsError};
pub use verified_body::VerifiedBody;

pub(crate) use header::{is_quotation_mark, without_surroundings};
pub(crate) use secrets::{Secret, is_invisible};

mod header;
mod secrets;
mod verified_body;

#[cfg(test)]
mod tests;
