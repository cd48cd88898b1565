//! A Fetch request as the core's.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStreamDefaultReader, Url};

use super::binding::settled;
use super::failure;
use crate::error::PlatformError;
use crate::platform::Body;
use crate::receive::Request;
use crate::signature::SIGNATURE_HEADER;

/// The request with the headers that the core asks for.
pub(super) fn translate(request: web_sys::Request) -> Result<Request<FetchBody>, JsValue> {
    let headers = request.headers();
    Ok(Request {
        method: request.method(),
        path: Url::new(&request.url())?.pathname(),
        content_length: headers.get("content-length")?,
        signature: headers.get(SIGNATURE_HEADER)?,
        address: headers.get("cf-connecting-ip")?,
        ray: headers.get("cf-ray")?,
        body: FetchBody { request, reader: None },
    })
}

#[derive(Debug)]
pub(super) struct FetchBody {
    request: web_sys::Request,
    reader: Option<ReadableStreamDefaultReader>,
}

impl FetchBody {
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
    async fn whole(self) -> Result<Vec<u8>, PlatformError> {
        let buffer = settled(self.request.array_buffer()).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, PlatformError> {
        let reader = self.reader().map_err(|thrown| failure::translate(&thrown))?;
        let Some(reader) = reader else { return Ok(None) };
        let read = settled(Ok(reader.read())).await?;
        bytes(&read).map_err(|thrown| failure::translate(&thrown))
    }
}

/// The bytes in what a stream's reader has read; `None` at its end.
fn bytes(read: &JsValue) -> Result<Option<Vec<u8>>, JsValue> {
    if Reflect::get(read, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    let chunk: Uint8Array = Reflect::get(read, &"value".into())?.dyn_into()?;
    Ok(Some(chunk.to_vec()))
}
