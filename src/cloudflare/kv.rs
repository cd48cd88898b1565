//! Workers KV as the store of seen events: key `seen:<eventId>`, an empty value, the rest as metadata.

use js_sys::{Object, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{object, settled, with_methods};
use crate::commit::SeenStore;
use crate::error::PlatformError;
use crate::event::EventId;
use crate::message::Marker;

const KEY_PREFIX: &str = "seen:";

/// KV caches a miss at the location that looked, for 60 s if nothing else is said. This is the least
/// that it allows, and the time of the sender's first retry.
const CACHE_TTL_SECONDS: u32 = 30;

#[wasm_bindgen]
extern "C" {
    /// Two methods of a KV namespace. The `worker` crate's own binding brings a JSON value type
    /// and a tenth of the Worker's size with it.
    #[derive(Debug, Clone)]
    type KvNamespace;

    #[wasm_bindgen(method, catch)]
    fn get(this: &KvNamespace, key: &str, options: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(
        this: &KvNamespace,
        key: &str,
        value: &str,
        options: &Object,
    ) -> Result<Promise, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct KvSeenStore(KvNamespace);

impl KvSeenStore {
    /// The namespace bound as `name`; `None` if nothing is, or something that is no namespace.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["get", "put"]).map(Self)
    }
}

impl SeenStore for KvSeenStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let called = object(&[("cacheTtl", CACHE_TTL_SECONDS.into())])
            .and_then(|options| self.0.get(&key(event_id), &options));
        let value = settled(called).await?;
        match (value.is_string(), value.is_null()) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            // Whatever else this is, it does not prove that the event has been seen.
            _ => Err(PlatformError::new("the answer is neither a text nor null")),
        }
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (namespace, key) = (self.0.clone(), key(event_id));
        async move {
            let called = put_options(marker).and_then(|options| namespace.put(&key, "", &options));
            settled(called).await.map(drop)
        }
    }
}

fn put_options(marker: Marker) -> Result<Object, JsValue> {
    let metadata = object(&[("receivedAt", marker.received_at.to_string().into())])?;
    let ttl = u32::try_from(marker.ttl_seconds()).unwrap_or(u32::MAX);
    object(&[("expirationTtl", ttl.into()), ("metadata", metadata.into())])
}

fn key(event_id: &EventId) -> String {
    format!("{KEY_PREFIX}{event_id}")
}
