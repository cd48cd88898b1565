//! A body that is stored outside its message.

use core::fmt::Write;

use sha2::{Digest, Sha256};

use crate::signature::VerifiedBody;

/// The prefix of the keys. It separates bodies from other objects in the bucket, and a lifecycle rule can use it.
const KEY_PREFIX: &str = "bodies/";

/// The largest body that is stored, in bytes: 1 MiB. To verify, read and hash it takes about 12 ms of CPU, and a
/// hundred such bodies at the same time would fill the 128 MB of a Worker.
pub const MAX_STORED_BODY_BYTES: u32 = 1024 * 1024;

/// The key, the hash and the length of a verified body that is to be stored. The key comes from the hash, so the same
/// bytes always have the same key, and storing them again changes only their age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBody {
    sha256: String,
    bytes: usize,
}

impl StoredBody {
    /// Computes the key of a verified body. The caller must pass the SHA-256 to the store with the bytes, so that the
    /// store refuses any other bytes under this key.
    pub(super) fn new(verified: VerifiedBody<'_>) -> Self {
        Self { sha256: sha256_hex(verified.body()), bytes: verified.body().len() }
    }

    /// Returns the key in the bucket: `bodies/` and the body's SHA-256.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(&self.sha256)
    }

    /// Returns the body's SHA-256, as 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns the body's length, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Returns the key of the body with this SHA-256.
pub(super) fn key_of(sha256: &str) -> String {
    format!("{KEY_PREFIX}{sha256}")
}

/// Returns the SHA-256 of `bytes`, as 64 lowercase hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.iter().fold(String::new(), |mut digits, byte| {
        // Writing into a string never fails.
        let _written = write!(digits, "{byte:02x}");
        digits
    })
}
