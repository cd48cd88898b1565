//! The marker store in Workers KV: key `seen:<eventId>`, an empty value, and the time of receipt as metadata.

use std::rc::Rc;

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{await_call, object, with_methods};
use cronozen_gateway::dedupe::Marker;
use cronozen_gateway::dedupe::MarkerStore;
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;

const KEY_PREFIX: &str = "seen:";

/// The time for which KV caches a result at the location of the look-up. A cached miss hides a later marker, so this is
/// KV's minimum, not its default of 60 s. The sender's first retry also comes after 30 s.
const CACHE_TTL_SECONDS: u32 = 30;

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    #[wasm_bindgen(js_name = markerOptions)]
    fn marker_options(expiration_ttl: u32, received_at: &str) -> Object;
}

#[wasm_bindgen]
extern "C" {
    /// A KV namespace, with the two methods that the Worker calls. The `worker` crate's own binding would add a JSON
    /// value type, and make the Worker a tenth larger.
    #[derive(Debug)]
    type KvNamespace;

    #[wasm_bindgen(method, catch)]
    fn get(this: &KvNamespace, key: &str, options: &Object) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(
        this: &KvNamespace,
        key: &str,
        value: &str,
        options: &Object,
    ) -> Result<JsValue, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct KvMarkers(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    namespace: KvNamespace,
    /// The options of every look-up.
    get_options: Object,
}

impl KvMarkers {
    /// Returns the namespace bound as `name`, or `None` if nothing is bound or the binding is not a namespace.
    pub(super) fn from_binding(env: &Env, name: &str) -> Option<Self> {
        let namespace = with_methods(env, name, &["get", "put"])?;
        let get_options = object(&[("cacheTtl", CACHE_TTL_SECONDS.into())]).ok()?;
        Some(Self(Rc::new(Inner { namespace, get_options })))
    }
}

impl MarkerStore for KvMarkers {
    async fn has_marker(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let Inner { namespace, get_options } = &*self.0;
        let value = await_call(namespace.get(&key(event_id), get_options)).await?;
        match (value.is_string(), value.is_null()) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            // Any other value does not prove that the event has been seen.
            _ => Err(PlatformError::new("the answer is neither a string nor null")),
        }
    }

    async fn mark(&self, event_id: &EventId, marker: Marker) -> Result<(), PlatformError> {
        let ttl = u32::try_from(marker.ttl_seconds()).unwrap_or(u32::MAX);
        let options = marker_options(ttl, &marker.received_at.to_string());
        await_call(self.0.namespace.put(&key(event_id), "", &options)).await.map(drop)
    }
}

fn key(event_id: &EventId) -> String {
    format!("{KEY_PREFIX}{event_id}")
}
