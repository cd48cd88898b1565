//! An R2 bucket as the store of bodies.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{await_call, object, with_methods};
use super::error;
use super::request::FetchedBytes;
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
    /// The bucket bound as `name`; `None` if nothing is, or something that is no bucket: a KV namespace has
    /// a `put`, too, but no `head`.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["head", "put"]).map(Self)
    }
}

impl BodyStore<FetchedBytes> for R2Bodies {
    async fn put(&self, body: &StoredBody, held: FetchedBytes) -> Result<(), PlatformError> {
        // R2 refuses other bytes than those of this hash.
        let called = object(&[("sha256", body.sha256().into())])
            .and_then(|options| self.0.put(&body.key(), &held.joined(), &options));
        // The bucket has the bytes in one piece now. The pieces would stay until it answers.
        drop(held);
        let stored = await_call(called).await?;
        if stored.is_object() {
            return Ok(());
        }
        Err(PlatformError::new("the answer is no stored object"))
    }

    async fn holds(&self, body: &StoredBody, since: Timestamp) -> Result<bool, PlatformError> {
        let found = await_call(self.0.head(&body.key())).await?;
        if !found.is_object() {
            return Ok(false);
        }
        let field = |name: &str| {
            Reflect::get(&found, &name.into()).map_err(|thrown| error::from_js(&thrown))
        };
        // A date is compared with a number of milliseconds as JavaScript does it; nothing is never later.
        let fresh = field("uploaded")?.ge(&since.as_millis().into());
        Ok(fresh && field("size")?.loose_eq(&body.bytes().into()))
    }
}
