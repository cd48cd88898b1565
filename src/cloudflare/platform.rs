//! The background work of Workers.

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::Context;

use super::task::spawn;
use crate::platform::Background;

#[wasm_bindgen(module = "/src/cloudflare/once.mjs")]
extern "C" {
    /// Has the platform wait until what is returned is called.
    #[wasm_bindgen(js_name = keepAlive)]
    fn keep_alive(context: &Context) -> Function;
}

/// `ctx.waitUntil` of one request.
#[derive(Debug)]
pub(super) struct WorkerBackground(pub Context);

impl Background for WorkerBackground {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        let release = keep_alive(&self.0);
        spawn(async move {
            future.await;
            // It only resolves a promise.
            let _undefined = release.call0(&JsValue::UNDEFINED);
        });
    }
}
