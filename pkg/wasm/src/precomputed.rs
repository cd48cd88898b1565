//! Verification with inner hashes or HMACs from JavaScript's runtime: SHA-256 in hardware is up to four times as fast
//! as in WebAssembly. WebAssembly still reads the header, computes the HMAC from an inner hash, compares and decides.
//!
//! The result is the position of a secret and never a verified body, because nothing here checks that the hashes are
//! those of the body.

use core::fmt;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use cronozen_webhook::signature::{MAX_SECRETS, Signature, SignatureError};

/// The length of a SHA-256, and so of an HMAC-SHA256, in bytes.
pub const HASH_BYTES: usize = 32;

/// The length of the blocks that SHA-256 works on, in bytes.
pub const BLOCK_BYTES: usize = 64;

/// The byte that HMAC XORs with each byte of the key for the inner hash (RFC 2104).
const INNER_PAD: u8 = 0x36;

/// The byte that HMAC XORs with each byte of the key for the outer hash.
const OUTER_PAD: u8 = 0x5c;

/// The initial state of SHA-256 (FIPS 180-4, 5.3.3).
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

/// The number of bits that the outer hash covers: the key's block and the inner hash.
const BITS_OF_OUTER: u16 = 8 * (64 + 32);

/// The padding at the end of the outer hash's last block: a 1 bit, zeros, and the number of hashed bits (FIPS 180-4,
/// 5.1.1).
const END_OF_OUTER: [u8; BLOCK_BYTES - HASH_BYTES] = {
    let [high, low] = BITS_OF_OUTER.to_be_bytes();
    let mut end = [0; BLOCK_BYTES - HASH_BYTES];
    end[0] = 0x80;
    end[30] = high;
    end[31] = low;
    end
};

/// The secrets, prepared for the inner hashes in JavaScript's runtime and for the outer hashes here. Zeroised when
/// dropped.
#[derive(Clone)]
pub struct KeyBlocks {
    /// The first block of the inner hash, for each secret.
    inner: Vec<[u8; BLOCK_BYTES]>,
    /// The state of the outer hash after its first block, for each secret.
    outer: Vec<[u32; 8]>,
}

impl Drop for KeyBlocks {
    fn drop(&mut self) {
        self.inner.as_flattened_mut().zeroize();
        self.outer.as_flattened_mut().zeroize();
    }
}

impl KeyBlocks {
    /// Computes the blocks and states. [`Secrets::new`](cronozen_webhook::signature::Secrets::new) must have accepted
    /// the secrets.
    pub fn new(secrets: &[impl AsRef<str>]) -> Self {
        // Allocates all of the memory now: vectors that grow would leave copies of the secrets behind.
        let mut keys = Self {
            inner: Vec::with_capacity(secrets.len()),
            outer: Vec::with_capacity(secrets.len()),
        };
        for secret in secrets {
            keys.inner.push([0; BLOCK_BYTES]);
            keys.outer.push(START);
            // In place, so that no copy stays on the stack.
            if let (Some(block), Some(state)) = (keys.inner.last_mut(), keys.outer.last_mut()) {
                write_key(block, secret.as_ref().as_bytes());
                // The outer block.
                for byte in block.iter_mut() {
                    *byte ^= OUTER_PAD;
                }
                compress256(state, core::slice::from_ref(block));
                // The inner block: removes the outer pad and applies the inner one.
                for byte in block.iter_mut() {
                    *byte ^= OUTER_PAD ^ INNER_PAD;
                }
            }
        }
        keys
    }

    /// Returns the first block of the inner hash, for each secret.
    pub fn inner(&self) -> &[[u8; BLOCK_BYTES]] {
        &self.inner
    }

    /// Returns the position of the secret that matches the signature. `hashes` are the inner hashes, one for each
    /// secret: the SHA-256 of the secret's [block](Self::inner) followed by the body. A secret without a hash matches
    /// nothing.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no secret matches.
    pub fn position_by_inner_hashes(
        &self,
        signature: Signature,
        hashes: &[[u8; HASH_BYTES]],
    ) -> Result<u8, SignatureError> {
        let mut macs = [[0; HASH_BYTES]; MAX_SECRETS];
        let mut count = 0;
        for ((mac, state), hash) in macs.iter_mut().zip(&self.outer).zip(hashes) {
            *mac = outer_hash(*state, hash);
            count += 1;
        }
        signature.position_in(macs.get(..count).unwrap_or_default())
    }

    /// Returns the position of the secret that matches the signature. `macs` are the HMACs of the body, one for each
    /// secret. More HMACs than there are secrets are ignored.
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

/// Writes the key into a block of zeros. A key that is longer than the block is replaced by its hash.
fn write_key(block: &mut [u8; BLOCK_BYTES], key: &[u8]) {
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.first_chunk_mut() {
        *start = Sha256::digest(key).into();
    }
}

/// Returns the HMAC: the outer hash of this inner hash, continued from its `state` after the first block.
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
    use cronozen_webhook::signature::Secrets;
    use proptest::prelude::*;

    use super::*;

    /// Returns the inner hash, as a platform computes it.
    fn inner_hash(block: &[u8], body: &[u8]) -> [u8; HASH_BYTES] {
        Sha256::new_with_prefix(block).chain_update(body).finalize().into()
    }

    /// Returns the HMAC of a body with a secret.
    fn mac(text: &str, body: &[u8]) -> [u8; HASH_BYTES] {
        let blocks = KeyBlocks::new(&[text]);
        outer_hash(blocks.outer[0], &inner_hash(&blocks.inner[0], body))
    }

    proptest! {
        #[test]
        fn precomputed_hashes_give_the_same_position_as_verification(
            // Visible characters, but for quotation marks.
            texts in prop::collection::vec("[!#-&(-_a-~]{1,140}", 1..=8),
            other in "[!#-&(-_a-~]{1,140}",
            body in prop::collection::vec(any::<u8>(), 0..300),
            signer in any::<prop::sample::Index>(),
        ) {
            let secrets = Secrets::new(&texts).unwrap();
            let blocks = KeyBlocks::new(&texts);
            let hashes: Vec<_> = blocks.inner().iter().map(|block| inner_hash(block, &body)).collect();
            let macs: Vec<_> = texts.iter().map(|text| mac(text, &body)).collect();
            for text in [signer.get(&texts), &other] {
                let signature = Secrets::new(&[text]).unwrap().sign(&body);
                let expected = secrets.verify(&body, signature).map(|verified| verified.key());
                prop_assert_eq!(blocks.position_by_inner_hashes(signature, &hashes), expected);
                prop_assert_eq!(blocks.position_by_macs(signature, &macs), expected);
            }
        }
    }

    #[test]
    fn a_secret_without_a_hash_and_a_mac_without_a_secret_match_nothing() {
        let blocks = KeyBlocks::new(&["whsec_new", "whsec_old"]);
        let signature = Secrets::new(&["whsec_old"]).unwrap().sign(b"body");
        let hashes: Vec<_> =
            blocks.inner().iter().map(|block| inner_hash(block, b"body")).collect();
        for hashes in [&hashes[..0], &hashes[..1]] {
            assert!(blocks.position_by_inner_hashes(signature, hashes).is_err());
        }
        // The third HMAC has no secret.
        let macs = [[0; HASH_BYTES], [0; HASH_BYTES], mac("whsec_old", b"body")];
        assert!(blocks.position_by_macs(signature, &macs).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", KeyBlocks::new(&["whsec_one"])), "KeyBlocks(1 redacted)");
    }
}
