//! Tests that freed memory holds no key: the allocator searches each block before it frees it.

#![allow(unsafe_code, reason = "an allocator that reads what is freed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cronozen_webhook::diagnosis::diagnose;
use cronozen_webhook::signature::{MAX_SECRETS, Secrets};
use sha2::block_api::compress256;

const SECRET: &str = "whsec_that_must_not_stay_in_memory";

/// The two states of SHA-256 that the key's HMAC starts with, in the byte order of this machine's memory.
static STATES: OnceLock<[[u8; 32]; 2]> = OnceLock::new();

/// The number of freed blocks that contained one of the states, or the text.
static FOUND: AtomicUsize = AtomicUsize::new(0);

/// True while blocks are searched for the secret's text, too: the callers of other functions free texts of their own.
static SEARCHES_TEXT: AtomicBool = AtomicBool::new(false);

/// True while blocks are searched: the other tests of this binary free large ones.
static SEARCHES: AtomicBool = AtomicBool::new(false);

struct SearchingAllocator;

// SAFETY: the system's allocator does all of the work. A block is only read, before it is freed.
unsafe impl GlobalAlloc for SearchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that every byte may be read later.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if SEARCHES.load(Ordering::Relaxed) {
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            let holds = |state: &[u8; 32]| bytes.windows(32).any(|window| window == state);
            // A block that became too small holds only the start of the text.
            let text = &SECRET.as_bytes()[..16];
            let holds_text = SEARCHES_TEXT.load(Ordering::Relaxed)
                && bytes.windows(text.len()).any(|window| window == text);
            if holds_text || STATES.get().is_some_and(|states| states.iter().any(holds)) {
                FOUND.fetch_add(1, Ordering::Relaxed);
            }
        }
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: SearchingAllocator = SearchingAllocator;

/// Returns the state after the key's block, which is mixed with one of HMAC's two pads (RFC 2104).
fn state(pad: u8) -> [u8; 32] {
    let mut block = [pad; 64];
    block.iter_mut().zip(SECRET.bytes()).for_each(|(byte, key)| *byte ^= key);
    // The initial state: FIPS 180-4, 5.3.3.
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
    SEARCHES.store(true, Ordering::Relaxed);

    // The allocator does find a key.
    drop(state(0x36).to_vec());
    assert_eq!(FOUND.swap(0, Ordering::Relaxed), 1);

    for count in 1..=MAX_SECRETS {
        let secrets = Secrets::new(&vec![SECRET; count]).unwrap();
        let parsed = Secrets::parse(&vec![SECRET; count].join(" ")).unwrap();
        let signature = secrets.sign(b"body");
        assert!(secrets.verify(b"body", signature).is_ok());
        assert!(parsed.clone().verify(b"body", signature).is_ok());
        // The vector of a clone has no room for another secret.
        let both = secrets.clone().followed_by(&Secrets::new(&[SECRET]).unwrap());
        assert_eq!(both.is_ok_and(|both| both.count() == count + 1), count < MAX_SECRETS);
        let header = signature.to_string();
        let diagnosis = diagnose(b"other", Some(header.as_bytes()), &vec![SECRET; count]);
        assert!(diagnosis.proof().is_none());
    }
    assert!(Secrets::new(&[SECRET; MAX_SECRETS + 1]).is_err());
    a_diagnosis_frees_no_text_of_a_secret();
    SEARCHES.store(false, Ordering::Relaxed);
    assert_eq!(FOUND.load(Ordering::Relaxed), 0);
}

/// The texts are copied, repaired, cut into words and varied.
fn a_diagnosis_frees_no_text_of_a_secret() {
    let texts = [
        SECRET.to_owned(),
        format!(" {SECRET}\n"),
        format!("\"{SECRET}\""),
        format!("\u{feff}{SECRET}"),
        format!("A={SECRET}"),
        format!("{SECRET},whsec_other"),
        format!("whsec_other\n{SECRET}"),
    ];
    SEARCHES_TEXT.store(true, Ordering::Relaxed);
    drop(SECRET.to_owned());
    assert_eq!(FOUND.swap(0, Ordering::Relaxed), 1);
    let diagnosis = diagnose(b"other", Some(&[b'0'; 64]), &texts);
    assert!(diagnosis.proof().is_none());
    SEARCHES_TEXT.store(false, Ordering::Relaxed);
}
