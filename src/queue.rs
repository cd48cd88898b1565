//! The queue of events in Cloudflare Queues.

use std::rc::Rc;

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{await_call, object, with_methods};
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::message::{Dedupe, Message};

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    #[wasm_bindgen(js_name = holdMessage)]
    fn hold_message(before_dedupe: &str, after_dedupe: &str) -> JsValue;

    #[wasm_bindgen(catch, js_name = sendMessage)]
    fn send_message(
        queue: &JsValue,
        held: &JsValue,
        dedupe: &str,
        options: &Object,
    ) -> Result<JsValue, JsValue>;
}

#[derive(Debug, Clone)]
pub(super) struct WorkerQueue(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: JsValue,
    /// The options of every send.
    options: Object,
}

impl WorkerQueue {
    /// Returns the queue bound as `name`, or `None` if nothing is bound or it is not a queue.
    pub(super) fn from_binding(env: &Env, name: &str) -> Option<Self> {
        let queue = with_methods(env, name, &["send"])?;
        // A pull consumer receives any other content type encoded.
        let options = object(&[("contentType", "text".into())]).ok()?;
        Some(Self(Rc::new(Inner { queue, options })))
    }
}

impl EventQueue for WorkerQueue {
    /// Two strings in JavaScript's memory: the message before and after the value of `dedupe`.
    type HeldMessage = JsValue;

    fn hold(&self, message: Message) -> JsValue {
        hold_message(message.before_dedupe(), message.after_dedupe())
    }

    fn send(
        &self,
        held: JsValue,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let inner = Rc::clone(&self.0);
        async move {
            let call = send_message(&inner.queue, &held, dedupe.as_str(), &inner.options);
            // A send that never settles must not keep its message in memory.
            drop(held);
            await_call(call).await.map(drop)
        }
    }
}
