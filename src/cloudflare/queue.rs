//! Cloudflare Queues as the queue of events.

use wasm_bindgen::JsValue;
use worker::{Env, Queue, QueueContentType, RawMessageBuilder};

use super::binding::has_methods;
use super::failure;
use crate::commit::EventQueue;
use crate::error::PlatformError;

#[derive(Debug, Clone)]
pub(super) struct WorkerQueue(Queue);

impl WorkerQueue {
    /// The queue bound as `name`; `None` if nothing is, or something that is no queue.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        // The crate's own check throws, uncaught, at what is no object.
        has_methods(env, name, &["send"]).then(|| env.queue(name).ok().map(Self)).flatten()
    }
}

impl EventQueue for WorkerQueue {
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let queue = self.0.clone();
        async move {
            // Text, because a pull consumer sees no other type plainly.
            let message = RawMessageBuilder::new(JsValue::from_str(&text))
                .build_with_content_type(QueueContentType::Text);
            drop(text);
            queue.send_raw(message).await.map_err(|error| failure::translate(&error.to_js_value()))
        }
    }
}
