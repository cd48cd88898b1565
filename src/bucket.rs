//! The store of bodies: an R2 bucket.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{await_call, object, with_methods};
use super::body::FetchedBytes;
use super::error;
use cronozen_gateway::bodies::BodyStore;
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::message::StoredBody;
use cronozen_webhook::time::Timestamp;

#[wasm_bindgen]
extern "C" {
    #[derive(Debug, Clone)]
    type R2Bucket;

    #[wasm_bindgen(method, catch)]
    fn put(
        this: &R2Bucket,
        key: &str,
        value: &Uint8Array,
        options: &Object,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn head(this: &R2Bucket, key: &str) -> Result<JsValue, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct R2Bodies(R2Bucket);

impl R2Bodies {
    /// Returns the bucket bound as `name`, or `None` if nothing is bound or it is not a bucket. A KV namespace also has
    /// `put`, but not `head`.
    pub(super) fn from_binding(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["head", "put"]).map(Self)
    }
}

impl BodyStore<FetchedBytes> for R2Bodies {
    async fn put(&self, body: &StoredBody, held: FetchedBytes) -> Result<(), PlatformError> {
        // R2 refuses bytes that do not match this hash.
        let call = object(&[("sha256", body.sha256().into())])
            .and_then(|options| self.0.put(&body.key(), &held.joined(), &options));
        // R2 now has the bytes in one piece. Without this, the pieces would stay in memory until it answers.
        drop(held);
        let stored = await_call(call).await?;
        if stored.is_object() {
            return Ok(());
        }
        Err(PlatformError::new("the answer is not a stored object"))
    }

    async fn holds(&self, body: &StoredBody, since: Timestamp) -> Result<bool, PlatformError> {
        let found = await_call(self.0.head(&body.key())).await?;
        if !found.is_object() {
            return Ok(false);
        }
        let field = |name: &str| {
            Reflect::get(&found, &name.into()).map_err(|thrown| error::from_js(&thrown))
        };
        // JavaScript compares a date with a number by its milliseconds. A missing date is never late enough.
        let fresh = field("uploaded")?.ge(&since.as_millis().into());
        Ok(fresh && field("size")?.loose_eq(&body.bytes().into()))
    }
}
