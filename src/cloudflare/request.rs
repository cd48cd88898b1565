//! A Fetch request as the core's.

use std::cell::RefCell;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ReadableStreamDefaultReader;

use super::binding::settled;
use super::failure;
use crate::error::PlatformError;
use crate::platform::{Body, HeldBody};

#[derive(Debug)]
pub(super) struct FetchBody {
    request: web_sys::Request,
    reader: Option<ReadableStreamDefaultReader>,
}

impl FetchBody {
    pub(super) fn new(request: web_sys::Request) -> Self {
        Self { request, reader: None }
    }

    /// The reader of the body's stream; `None` if the request has no body.
    fn reader(&mut self) -> Result<Option<&ReadableStreamDefaultReader>, JsValue> {
        if self.reader.is_none() {
            let stream = self.request.body();
            self.reader = stream.map(|stream| stream.get_reader().dyn_into()).transpose()?;
        }
        Ok(self.reader.as_ref())
    }
}

impl Body for FetchBody {
    type Held = FetchedBytes;

    async fn whole(self) -> Result<FetchedBytes, PlatformError> {
        let buffer = settled(self.request.array_buffer().map(JsValue::from)).await?;
        Ok(FetchedBytes::all_of(Uint8Array::new(&buffer)))
    }

    async fn chunk(&mut self) -> Result<Option<FetchedBytes>, PlatformError> {
        let reader = self.reader().map_err(|thrown| failure::translate(&thrown))?;
        let Some(reader) = reader else { return Ok(None) };
        let read = settled(Ok(reader.read().into())).await?;
        // What else was read may be the sender's text, which no log line may hold.
        bytes(&read).map_err(|_| PlatformError::new("a part of the body is no bytes"))
    }
}

/// The bytes in what a stream's reader has read; `None` at its end.
fn bytes(read: &JsValue) -> Result<Option<FetchedBytes>, JsValue> {
    if Reflect::get(read, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    let chunk: Uint8Array = Reflect::get(read, &"value".into())?.dyn_into()?;
    Ok(Some(FetchedBytes::all_of(chunk)))
}

thread_local! {
    /// Where bodies are copied to, one after the other. Kept, because its memory would never go back to the
    /// platform: given back to the allocator, it would soon have other things in it, and no room for a body.
    static COPY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The least room for a body that comes in parts: most bodies need no more.
const LEAST_CAPACITY: u32 = 64 * 1024;

/// Bytes in JavaScript's memory: the first `length` of `array`.
#[derive(Debug)]
pub(super) struct FetchedBytes {
    array: Uint8Array,
    length: u32,
}

impl FetchedBytes {
    fn all_of(array: Uint8Array) -> Self {
        let length = array.length();
        Self { array, length }
    }

    /// The bytes, where they are.
    pub(super) fn view(&self) -> Uint8Array {
        self.array.subarray(0, self.length)
    }
}

impl Default for FetchedBytes {
    fn default() -> Self {
        Self::all_of(Uint8Array::new_with_length(0))
    }
}

impl HeldBody for FetchedBytes {
    fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Copies the part. Kept as it came, a part of one byte would take a hundred times its size. The array grows by
    /// half, so that a body is copied about twice on the whole, and no more than a third of the array is empty.
    fn append(&mut self, chunk: Self) {
        let length = self.length.saturating_add(chunk.length);
        let capacity = self.array.length();
        if length > capacity {
            let roomier = capacity.saturating_add(capacity / 2).max(LEAST_CAPACITY);
            let larger = Uint8Array::new_with_length(length.max(roomier));
            larger.set(&self.view(), 0);
            self.array = larger;
        }
        self.array.set(&chunk.view(), self.length);
        self.length = length;
    }

    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let mut copy = COPY.take();
        copy.resize(self.length(), 0);
        self.view().copy_to(&mut copy);
        let result = read(&copy);
        COPY.set(copy);
        result
    }
}
