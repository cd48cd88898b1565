//! The memory of the arguments.

use wasm_bindgen::prelude::wasm_bindgen;

/// The memory that JavaScript writes its arguments into, one directly after the other. All calls can share one input,
/// because each call ends before the next one writes.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Input(Vec<u8>);

#[wasm_bindgen]
impl Input {
    /// Makes an empty input.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for `length` bytes and returns its address, or null if there is no memory left.
    pub fn reserve(&mut self, length: usize) -> *const u8 {
        let more = length.saturating_sub(self.0.len());
        if self.0.try_reserve_exact(more).is_err() {
            return core::ptr::null();
        }
        self.0.resize(self.0.len() + more, 0);
        self.0.as_ptr()
    }
}

impl Input {
    /// Returns `length` bytes from `start` on, or none if JavaScript has not reserved them all.
    pub fn bytes(&self, start: usize, length: usize) -> &[u8] {
        self.0.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    /// Returns the same bytes as [`Self::bytes`], to be changed.
    pub fn bytes_mut(&mut self, start: usize, length: usize) -> &mut [u8] {
        self.0.get_mut(start..).and_then(|rest| rest.get_mut(..length)).unwrap_or_default()
    }

    /// Returns the same bytes as [`Self::bytes`], as a string. JavaScript has encoded it, so it is UTF-8.
    pub fn text(&self, start: usize, length: usize) -> &str {
        str::from_utf8(self.bytes(start, length)).unwrap_or_default()
    }
}
