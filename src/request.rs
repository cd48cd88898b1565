//! A Fetch request as the core's.

use std::cell::RefCell;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ReadableStreamDefaultReader;

use super::binding::await_call;
use super::error;
use cronozen_gateway::body::{Body, BodyBytes};
use cronozen_gateway::runtime::PlatformError;

#[wasm_bindgen]
extern "C" {
    type BodyStream;

    /// Throws if something else reads the stream already. In `web_sys` that would be a trap.
    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &BodyStream) -> Result<ReadableStreamDefaultReader, JsValue>;
}

#[derive(Debug)]
pub(super) struct FetchBody {
    request: web_sys::Request,
    reader: Option<ReadableStreamDefaultReader>,
}

impl FetchBody {
    pub(super) fn new(request: web_sys::Request) -> Self {
        Self { request, reader: None }
    }

    /// Returns the request that the body belongs to.
    #[cfg(feature = "test-trap")]
    pub(super) fn request(&self) -> &web_sys::Request {
        &self.request
    }

    /// The reader of the body's stream; `None` if the request has no body.
    fn reader(&mut self) -> Result<Option<&ReadableStreamDefaultReader>, JsValue> {
        if self.reader.is_none() {
            let stream = self.request.body().map(JsCast::unchecked_into::<BodyStream>);
            self.reader = stream.map(|stream| stream.get_reader()).transpose()?;
        }
        Ok(self.reader.as_ref())
    }
}

impl Body for FetchBody {
    type Bytes = FetchedBytes;

    async fn read_all(self) -> Result<FetchedBytes, PlatformError> {
        let buffer = await_call(self.request.array_buffer().map(JsValue::from)).await?;
        Ok(FetchedBytes::all_of(Uint8Array::new(&buffer)))
    }

    async fn next_chunk(&mut self) -> Result<Option<FetchedBytes>, PlatformError> {
        let reader = self.reader().map_err(|thrown| error::from_js(&thrown))?;
        let Some(reader) = reader else { return Ok(None) };
        let read = await_call(Ok(reader.read().into())).await?;
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

/// The room of the blocks that a body is kept in when it comes in parts: the first is small, because many bodies never
/// get any further, and each of the next ones doubles what there is. No block is so large that its empty rest matters.
const BLOCK_BYTES: core::ops::RangeInclusive<u32> = 4 * 1024..=16 * 1024;

/// Bytes in JavaScript's memory. They are never moved to a larger array: what that leaves behind would take several
/// times their size until it is collected.
#[derive(Debug, Default)]
pub(super) struct FetchedBytes {
    blocks: Vec<Block>,
    length: u32,
}

#[derive(Debug)]
struct Block {
    array: Uint8Array,
    filled: u32,
}

impl Block {
    /// The bytes, where they are.
    fn view(&self) -> Uint8Array {
        self.array.subarray(0, self.filled)
    }
}

impl FetchedBytes {
    fn all_of(array: Uint8Array) -> Self {
        let length = array.length();
        Self { blocks: vec![Block { array, filled: length }], length }
    }

    /// The bytes in one piece.
    pub(super) fn joined(&self) -> Uint8Array {
        if let [only] = self.blocks.as_slice() {
            return only.view();
        }
        let joined = Uint8Array::new_with_length(self.length);
        let mut end = 0;
        for block in &self.blocks {
            joined.set(&block.view(), end);
            end += block.filled;
        }
        joined
    }

    /// A block with room for so many bytes.
    fn block_for(&mut self, bytes: u32) -> Option<&mut Block> {
        let has_room = |block: &Block| block.array.length() - block.filled >= bytes;
        if !self.blocks.last().is_some_and(has_room) {
            let room = self.length.clamp(*BLOCK_BYTES.start(), *BLOCK_BYTES.end()).max(bytes);
            self.blocks.push(Block { array: Uint8Array::new_with_length(room), filled: 0 });
        }
        self.blocks.last_mut()
    }
}

impl BodyBytes for FetchedBytes {
    fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Copies the part. Kept as it came, a part of one byte would take thousands of times its size.
    fn append(&mut self, chunk: Self) {
        for part in &chunk.blocks {
            if let Some(block) = self.block_for(part.filled) {
                block.array.set(&part.view(), block.filled);
                block.filled += part.filled;
                self.length = self.length.saturating_add(part.filled);
            }
        }
    }

    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let mut copy = COPY.take();
        copy.resize(self.length(), 0);
        let mut rest = copy.as_mut_slice();
        for block in &self.blocks {
            let length = usize::try_from(block.filled).unwrap_or(usize::MAX);
            if let Some((part, after)) = core::mem::take(&mut rest).split_at_mut_checked(length) {
                block.view().copy_to(part);
                rest = after;
            }
        }
        let result = read(&copy);
        COPY.set(copy);
        result
    }
}
