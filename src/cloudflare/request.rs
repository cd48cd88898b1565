//! A Fetch request as the core's.

use js_sys::futures::JsFuture;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStreamDefaultReader, Url};

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
    async fn read_whole(&self) -> Result<Vec<u8>, JsValue> {
        let buffer = JsFuture::from(self.request.array_buffer()?).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }

    async fn read_chunk(&mut self) -> Result<Option<Vec<u8>>, JsValue> {
        if self.reader.is_none() {
            // A request without a body has no stream; it is an empty body.
            let Some(stream) = self.request.body() else {
                return Ok(None);
            };
            self.reader = Some(stream.get_reader().dyn_into()?);
        }
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let read = JsFuture::from(reader.read()).await?;
        if Reflect::get(&read, &"done".into())?.is_truthy() {
            return Ok(None);
        }
        let chunk: Uint8Array = Reflect::get(&read, &"value".into())?.dyn_into()?;
        Ok(Some(chunk.to_vec()))
    }
}

impl Body for FetchBody {
    async fn whole(self) -> Result<Vec<u8>, PlatformError> {
        self.read_whole().await.map_err(|error| failure::translate(&error))
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, PlatformError> {
        self.read_chunk().await.map_err(|error| failure::translate(&error))
    }
}
