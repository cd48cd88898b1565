//! Workers KV as the store of seen events: key `seen:<eventId>`, an empty value, the rest as metadata.

use js_sys::futures::JsFuture;
use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use super::binding;
use super::failure;
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
        let namespace = binding::with_methods(env, name, &["get", "put"])?;
        Some(Self(namespace.unchecked_into()))
    }
}

impl SeenStore for KvSeenStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let look = async {
            let options = object(&[("cacheTtl", CACHE_TTL_SECONDS.into())])?;
            JsFuture::from(self.0.get(&key(event_id), &options)?).await
        };
        let value = look.await.map_err(|error| failure::translate(&error))?;
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
            let put = async {
                let received_at = marker.received_at.to_string();
                let metadata = object(&[("receivedAt", received_at.into())])?;
                let ttl = f64::from(u32::try_from(marker.ttl_seconds()).unwrap_or(u32::MAX));
                let options =
                    object(&[("expirationTtl", ttl.into()), ("metadata", metadata.into())])?;
                JsFuture::from(namespace.put(&key, "", &options)?).await
            };
            put.await.map(|_| ()).map_err(|error| failure::translate(&error))
        }
    }
}

fn key(event_id: &EventId) -> String {
    format!("{KEY_PREFIX}{event_id}")
}

fn object(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}
