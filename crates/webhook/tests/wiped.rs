//! Freed memory holds no key: an allocator looks into each block before it goes back.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::pedantic,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a test, with an allocator of its own"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use cronozen_webhook::signature::{MAX_SECRETS, Secrets, sign};
use sha2::block_api::compress256;

const SECRET: &str = "whsec_that_must_not_stay_in_memory";

/// The states of SHA-256 that the key's HMAC starts with, as they lie in memory.
static STATES: OnceLock<[[u8; 32]; 2]> = OnceLock::new();

/// The blocks that were freed with one of them inside.
static FOUND: AtomicUsize = AtomicUsize::new(0);

struct Watching;

// SAFETY: everything is left to the system's allocator. A block is only read, before it is freed.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that every byte may be read later.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        let holds = |state: &[u8; 32]| bytes.windows(32).any(|window| window == state);
        if STATES.get().is_some_and(|states| states.iter().any(holds)) {
            FOUND.fetch_add(1, Ordering::Relaxed);
        }
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The state after the key's block, mixed with one of HMAC's two pads (RFC 2104).
fn state(pad: u8) -> [u8; 32] {
    let mut block = [pad; 64];
    block.iter_mut().zip(SECRET.bytes()).for_each(|(byte, key)| *byte ^= key);
    // FIPS 180-4, 5.3.3.
    let mut words = [
        0x6a09_e667_u32,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut words, &[block]);
    let mut bytes = [0; 32];
    bytes
        .chunks_mut(4)
        .zip(words)
        .for_each(|(four, word)| four.copy_from_slice(&word.to_ne_bytes()));
    bytes
}

#[test]
fn no_key_is_left_in_freed_memory() {
    STATES.set([state(0x36), state(0x5c)]).unwrap();

    // The measure sees a key.
    drop(state(0x36).to_vec());
    assert_eq!(FOUND.swap(0, Ordering::Relaxed), 1);

    for count in 1..=MAX_SECRETS {
        let secrets = Secrets::new(&vec![SECRET; count]).unwrap();
        let parsed = Secrets::parse(&vec![SECRET; count].join(" ")).unwrap();
        let signature = sign(b"body", SECRET).unwrap();
        assert!(secrets.verify(b"body", signature).is_ok());
        assert!(parsed.clone().verify(b"body", signature).is_ok());
    }
    assert!(Secrets::new(&[SECRET; MAX_SECRETS + 1]).is_err());
    assert_eq!(FOUND.load(Ordering::Relaxed), 0);
}
