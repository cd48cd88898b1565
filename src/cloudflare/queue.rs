//! Cloudflare Queues as the queue of events.

use js_sys::Promise;
use js_sys::futures::JsFuture;
use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use super::binding;
use super::failure;
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
        let queue = binding::with_methods(env, name, &["send"])?;
        Some(Self(queue.unchecked_into()))
    }
}

impl EventQueue for WorkerQueue {
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let queue = self.0.clone();
        async move {
            let send = async {
                let options = Object::new();
                // A pull consumer sees no other type plainly.
                Reflect::set(&options, &"contentType".into(), &"text".into())?;
                let sent = queue.send(&text, &options);
                // A send that never settles must not keep its message in memory.
                drop(text);
                JsFuture::from(sent?).await
            };
            send.await.map(|_| ()).map_err(|error| failure::translate(&error))
        }
    }
}
