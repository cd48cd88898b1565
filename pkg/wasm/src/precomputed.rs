//! Verification where the platform has done the greater part of the work: SHA-256 in hardware is four times as
//! fast as WebAssembly. The header, the last step of the HMAC, the comparison and the verdict stay in WebAssembly.
//!
//! The result is the position of a secret and never a verified body: JavaScript vouches for its computation.

use core::fmt;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use cronozen_webhook::signature::{MAX_SECRETS, Signature, SignatureError};

/// A SHA-256, and so an HMAC-SHA256, is 32 bytes.
pub const HASH_BYTES: usize = 32;

/// SHA-256 works on blocks of 64 bytes.
pub const BLOCK_BYTES: usize = 64;

/// What the key is mixed with for the inner hash, and for the outer one (RFC 2104).
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

/// What SHA-256 starts with (FIPS 180-4, 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The key's block, and the inner hash.
const BITS_OF_OUTER: u16 = 8 * (64 + 32);

/// How the last block of the outer hash ends: with a bit that is 1, zeros, and how many bits have been hashed
/// (FIPS 180-4, 5.1.1).
const END_OF_OUTER: [u8; BLOCK_BYTES - HASH_BYTES] = {
    let [high, low] = BITS_OF_OUTER.to_be_bytes();
    let mut end = [0; BLOCK_BYTES - HASH_BYTES];
    end[0] = 0x80;
    end[30] = high;
    end[31] = low;
    end
};

/// The secrets in the form that lets others compute the inner hashes. Zeroised when dropped.
#[derive(Clone)]
pub struct KeyBlocks {
    /// A block for each secret.
    inner: Vec<[u8; BLOCK_BYTES]>,
    /// The state of the outer hash after its own block, for each secret.
    outer: Vec<[u32; 8]>,
}

impl Drop for KeyBlocks {
    fn drop(&mut self) {
        self.inner.as_flattened_mut().zeroize();
        self.outer.as_flattened_mut().zeroize();
    }
}

impl KeyBlocks {
    /// Takes secrets that [`Secrets::new`](cronozen_webhook::signature::Secrets::new) has taken.
    pub fn new(secrets: &[impl AsRef<str>]) -> Self {
        // With all the room at once: growing would leave copies behind.
        let mut keys = Self {
            inner: Vec::with_capacity(secrets.len()),
            outer: Vec::with_capacity(secrets.len()),
        };
        for secret in secrets {
            keys.inner.push([0; BLOCK_BYTES]);
            keys.outer.push(START);
            // In place, so that no copy stays on the stack.
            if let (Some(block), Some(state)) = (keys.inner.last_mut(), keys.outer.last_mut()) {
                pad(block, secret.as_ref().as_bytes());
                for byte in block.iter_mut() {
                    *byte ^= OUTER_PAD;
                }
                compress256(state, core::slice::from_ref(block));
                for byte in block.iter_mut() {
                    *byte ^= OUTER_PAD ^ INNER_PAD;
                }
            }
        }
        keys
    }

    /// Returns the block that the inner hash of each secret begins with.
    pub fn inner(&self) -> &[[u8; BLOCK_BYTES]] {
        &self.inner
    }

    /// Returns the position of the secret whose signature this is, if the platform has computed HMAC's inner hashes:
    /// SHA-256 of a secret's [block](Self::inner), and then the body. A secret without a hash matches nothing.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no secret matches.
    pub fn position_by_inner_hashes(
        &self,
        signature: Signature,
        hashes: &[[u8; HASH_BYTES]],
    ) -> Result<u8, SignatureError> {
        let mut macs = [[0; HASH_BYTES]; MAX_SECRETS];
        let mut computed = 0;
        for ((mac, state), hash) in macs.iter_mut().zip(&self.outer).zip(hashes) {
            *mac = outer_hash(*state, hash);
            computed += 1;
        }
        signature.position_in(macs.get(..computed).unwrap_or_default())
    }

    /// The same if the platform has computed the HMACs themselves.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no secret matches.
    pub fn position_by_macs(
        &self,
        signature: Signature,
        macs: &[[u8; HASH_BYTES]],
    ) -> Result<u8, SignatureError> {
        signature.position_in(macs.get(..self.outer.len()).unwrap_or(macs))
    }
}

/// Writes the key as HMAC takes it into a block of zeros: a longer one is hashed.
fn pad(block: &mut [u8; BLOCK_BYTES], key: &[u8]) {
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.first_chunk_mut() {
        *start = Sha256::digest(key).into();
    }
}

/// The HMAC that ends with hashing this inner hash.
fn outer_hash(mut state: [u32; 8], inner_hash: &[u8; HASH_BYTES]) -> [u8; HASH_BYTES] {
    let block = [*inner_hash, END_OF_OUTER];
    compress256(&mut state, block.as_flattened().as_chunks().0);
    let mut hash = [0; HASH_BYTES];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

impl fmt::Debug for KeyBlocks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyBlocks({} redacted)", self.outer.len())
    }
}

#[cfg(test)]
mod tests {
    use cronozen_webhook::signature::{Secrets, sign};
    use proptest::prelude::*;

    use super::*;

    /// Returns what a platform computes.
    fn inner_hash(block: &[u8], body: &[u8]) -> [u8; HASH_BYTES] {
        Sha256::new_with_prefix(block).chain_update(body).finalize().into()
    }

    /// Returns the HMAC with a secret.
    fn mac(text: &str, body: &[u8]) -> [u8; HASH_BYTES] {
        let blocks = KeyBlocks::new(&[text]);
        outer_hash(blocks.outer[0], &inner_hash(&blocks.inner[0], body))
    }

    proptest! {
        #[test]
        fn positions_are_those_of_verify(
            texts in prop::collection::vec("[!-~]{1,140}", 1..=8),
            other in "[!-~]{1,140}",
            body in prop::collection::vec(any::<u8>(), 0..300),
            signer in any::<prop::sample::Index>(),
        ) {
            let secrets = Secrets::new(&texts).unwrap();
            let blocks = KeyBlocks::new(&texts);
            let hashes: Vec<_> = blocks.inner().iter().map(|block| inner_hash(block, &body)).collect();
            let macs: Vec<_> = texts.iter().map(|text| mac(text, &body)).collect();
            for text in [signer.get(&texts), &other] {
                let signature = sign(&body, text).unwrap();
                let expected = secrets.verify(&body, signature).map(|verified| verified.key());
                prop_assert_eq!(blocks.position_by_inner_hashes(signature, &hashes), expected);
                prop_assert_eq!(blocks.position_by_macs(signature, &macs), expected);
            }
        }
    }

    #[test]
    fn a_secret_without_a_hash_matches_nothing() {
        let blocks = KeyBlocks::new(&["whsec_new", "whsec_old"]);
        let signature = sign(b"body", "whsec_old").unwrap();
        let hashes: Vec<_> =
            blocks.inner().iter().map(|block| inner_hash(block, b"body")).collect();
        for hashes in [&hashes[..0], &hashes[..1]] {
            assert!(blocks.position_by_inner_hashes(signature, hashes).is_err());
        }
        // More than there are secrets are not looked at.
        let macs = [[0; HASH_BYTES], [0; HASH_BYTES], mac("whsec_old", b"body")];
        assert!(blocks.position_by_macs(signature, &macs).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", KeyBlocks::new(&["whsec_one"])), "KeyBlocks(1 redacted)");
    }
}
