//! Signatures like the sender's, computed with the hmac crate and not with the code under test.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Returns the signature header's value for a body, from a secret or the bytes of a key.
pub fn sign(body: &[u8], secret: impl AsRef<[u8]>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_ref()).unwrap();
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// Returns bytes as lowercase hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
