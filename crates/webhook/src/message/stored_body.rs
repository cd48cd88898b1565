//! A body that lies outside its message.

use core::fmt::Write;

use sha2::{Digest, Sha256};

use crate::signature::VerifiedBody;

/// Parts the bodies from whatever else lies in their bucket; a lifecycle rule can name it.
const KEY_PREFIX: &str = "bodies/";

/// 1 MiB, the largest body that is stored. Verifying, reading and naming it takes some 12 ms of CPU, and a hundred of
/// them at once would fill the 128 MB of a Worker.
pub const MAX_STORED_BODY_BYTES: u32 = 1024 * 1024;

/// A verified body that is to be stored, by the name of its content: the same bytes are always stored under
/// the same key, so that storing them again changes nothing but their age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBody {
    sha256: String,
    bytes: usize,
}

impl StoredBody {
    /// Names a verified body. That the bytes which are stored are these is left to the store: it is told their
    /// SHA-256 and refuses others.
    #[must_use]
    pub fn of(verified: VerifiedBody<'_>) -> Self {
        Self { sha256: sha256_hex(verified.body()), bytes: verified.body().len() }
    }

    /// Where it is stored: `bodies/` and its SHA-256.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(&self.sha256)
    }

    /// Its SHA-256, as 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its length, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Where the body with this SHA-256 is stored.
pub(super) fn key_of(sha256: &str) -> String {
    format!("{KEY_PREFIX}{sha256}")
}

/// A SHA-256 as 64 lowercase hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.iter().fold(String::new(), |mut digits, byte| {
        // Writing into a text never fails.
        let _written = write!(digits, "{byte:02x}");
        digits
    })
}
