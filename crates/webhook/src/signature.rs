//! Secrets, the signature header, and the constant-time check that makes a [`VerifiedBody`].
//!
//! The sender signs the raw body with HMAC-SHA256 under the signing secret's text, taken as UTF-8
//! bytes and not decoded, and sends the 32 bytes as 64 lowercase hexadecimal digits.

pub use header::{SIGNATURE_HEADER, Signature, SignatureError};
pub use secrets::{MAX_SECRETS, Secrets, SecretsError, sign};
pub use verified_body::VerifiedBody;

mod header;
mod secrets;
mod verified_body;

#[cfg(test)]
mod tests;
