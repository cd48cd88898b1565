//! Cloudflare Queues as the queue of events.

use std::rc::Rc;

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{object, settled, with_methods};
use crate::commit::EventQueue;
use crate::error::PlatformError;

#[wasm_bindgen]
extern "C" {
    #[derive(Debug)]
    type Queue;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Queue, message: &str, options: &Object) -> Result<JsValue, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct WorkerQueue(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// The same for every message.
    options: Object,
}

impl WorkerQueue {
    /// The queue bound as `name`; `None` if nothing is, or something that is no queue.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        let queue = with_methods(env, name, &["send"])?;
        // A pull consumer sees no other type plainly.
        let options = object(&[("contentType", "text".into())]).ok()?;
        Some(Self(Rc::new(Inner { queue, options })))
    }
}

impl EventQueue for WorkerQueue {
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let inner = Rc::clone(&self.0);
        async move {
            let called = inner.queue.send(&text, &inner.options);
            // A send that never settles must not keep its message in memory.
            drop(text);
            settled(called).await.map(drop)
        }
    }
}
