//! The Worker: translates between Cloudflare's types and the core's, and decides nothing.

mod binding;
mod bodies;
mod clock;
mod configuration;
mod deduper;
mod double;
mod failure;
mod kv;
mod log;
mod platform;
mod queue;
mod request;
mod task;
mod tickets;
#[cfg(feature = "test-trap")]
mod trap;
mod wait;

use std::sync::Once;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::worker_sys::Context;

use cronozen_gateway::receive::{Request, receive};
use platform::WorkerPlatform;
use request::FetchBody;
use task::spawn;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

static QUIET: Once = Once::new();

/// The `worker` crate's own panic hook logs a stack. The shim tells of the trap that follows a panic.
fn silence_panics() {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

#[wasm_bindgen]
extern "C" {
    /// Makes a response of an answer, and hands it out.
    #[derive(Debug)]
    pub type Respond;

    #[wasm_bindgen(method)]
    fn call(
        this: &Respond,
        receiver: &JsValue,
        status: u16,
        content_type: &str,
        body: &str,
        allow: Option<&str>,
        retry_after: Option<u32>,
    );
}

/// The entry point of every request. The shim `worker.mjs` calls it, and gives it the request's parts.
#[wasm_bindgen]
#[expect(
    clippy::too_many_arguments,
    reason = "each call between JavaScript and Rust costs, so it is one"
)]
pub fn fetch(
    request: web_sys::Request,
    method: String,
    path: Option<String>,
    content_length: Option<String>,
    signature: Option<String>,
    address: Option<String>,
    ray: Option<String>,
    env: &Env,
    context: Context,
    respond: Respond,
) {
    silence_panics();
    let configuration = configuration::of(env);
    spawn(async move {
        #[cfg(feature = "test-trap")]
        trap::if_asked(&request).await;

        let body = FetchBody::new(request);
        let request = Request { method, path, content_length, signature, address, ray, body };
        let answer = receive(&WorkerPlatform::new(context), request, &configuration).await;
        respond.call(
            &JsValue::UNDEFINED,
            answer.status,
            answer.content_type,
            &answer.body,
            answer.allow,
            answer.retry_after,
        );
    });
}
