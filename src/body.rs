//! The body of a Fetch request.

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

    /// Fails if the stream already has a reader. The binding in `web_sys` would not catch that exception, which would
    /// then end the call as a trap does.
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

    /// Returns the body's request, for the test header that asks for a trap.
    #[cfg(feature = "test-trap")]
    pub(super) fn request(&self) -> &web_sys::Request {
        &self.request
    }

    /// Returns the reader of the body's stream, or `None` if the request has no body.
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
        Ok(FetchedBytes::from_array(Uint8Array::new(&buffer)))
    }

    async fn next_chunk(&mut self) -> Result<Option<FetchedBytes>, PlatformError> {
        let reader = self.reader().map_err(|thrown| error::from_js(&thrown))?;
        let Some(reader) = reader else { return Ok(None) };
        let result = await_call(Ok(reader.read().into())).await?;
        // If the value is not bytes, the error is that value. It may contain the sender's text, so it is not logged.
        chunk_of(&result).map_err(|_| PlatformError::new("a part of the body is not bytes"))
    }
}

/// Returns the bytes in the result of a reader's `read()`, or `None` at the end of the stream.
fn chunk_of(result: &JsValue) -> Result<Option<FetchedBytes>, JsValue> {
    if Reflect::get(result, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    let chunk: Uint8Array = Reflect::get(result, &"value".into())?.dyn_into()?;
    Ok(Some(FetchedBytes::from_array(chunk)))
}

thread_local! {
    /// The buffer into which bodies are copied, one after the other. It is never freed: WebAssembly's memory never
    /// shrinks, and if the allocator put other data there, the next body would need new memory.
    static COPY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The sizes of the blocks for a body that arrives in parts, unless one part needs a larger block. The first block is
/// small, because many bodies fit into it. Each later block is as large as the body so far, up to a size at which the
/// unused rest of a block does not matter.
const BLOCK_BYTES: core::ops::RangeInclusive<u32> = 4 * 1024..=16 * 1024;

/// Bytes in JavaScript's memory. They are never moved to a larger array: the old arrays would take several times the
/// bytes' size until they are garbage-collected.
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
    /// Returns the filled bytes without a copy.
    fn view(&self) -> Uint8Array {
        self.array.subarray(0, self.filled)
    }
}

impl FetchedBytes {
    fn from_array(array: Uint8Array) -> Self {
        let length = array.length();
        Self { blocks: vec![Block { array, filled: length }], length }
    }

    /// Returns the bytes in one piece.
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

    /// Returns a block with room for this number of bytes.
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

    /// Copies the part into a block. If its own array were kept, a part of one byte would take thousands of times its
    /// size.
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
