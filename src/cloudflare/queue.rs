//! Cloudflare Queues as the queue of events.

use js_sys::{Object, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{object, settled, with_methods};
use crate::commit::EventQueue;
use crate::error::PlatformError;

#[wasm_bindgen]
extern "C" {
    #[derive(Debug, Clone)]
    type Queue;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Queue, message: &str, options: &Object) -> Result<Promise, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct WorkerQueue(Queue);

impl WorkerQueue {
    /// The queue bound as `name`; `None` if nothing is, or something that is no queue.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["send"]).map(Self)
    }
}

impl EventQueue for WorkerQueue {
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let queue = self.0.clone();
        async move {
            // A pull consumer sees no other type plainly.
            let called = object(&[("contentType", "text".into())])
                .and_then(|options| queue.send(&text, &options));
            // A send that never settles must not keep its message in memory.
            drop(text);
            settled(called).await.map(drop)
        }
    }
}
