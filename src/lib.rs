//! The Worker: adapts Cloudflare's types to the gateway crate's traits, and decides nothing.

mod binding;
mod body;
mod bucket;
mod clock;
mod configuration;
mod deduper;
mod error;
mod failures;
mod js_number;
mod kv;
mod log;
mod panics;
mod platform;
mod queue;
mod task;
mod tickets;
#[cfg(feature = "test-trap")]
mod trap;
mod wait;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::worker_sys::Context;

use body::FetchBody;
use cronozen_gateway::receive::{Request, receive};
use panics::silence_panics;
use platform::WorkerPlatform;
use task::spawn;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen]
extern "C" {
    /// A request, and the parts of it that a delivery needs. `worker.ts` reads them.
    #[derive(Debug)]
    pub type RequestParts;

    #[wasm_bindgen(method, getter)]
    fn request(this: &RequestParts) -> web_sys::Request;

    #[wasm_bindgen(method, getter)]
    fn method(this: &RequestParts) -> String;

    #[wasm_bindgen(method, getter)]
    fn path(this: &RequestParts) -> Option<String>;

    #[wasm_bindgen(method, getter, js_name = contentLength)]
    fn content_length(this: &RequestParts) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn signature(this: &RequestParts) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn address(this: &RequestParts) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn ray(this: &RequestParts) -> Option<String>;

    /// The callback that sends the response.
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

/// Serves one request. `worker.ts` calls it.
#[wasm_bindgen]
pub fn fetch(parts: &RequestParts, env: &Env, context: Context, respond: Respond) {
    silence_panics();
    let configuration = configuration::from_env(env);
    let request = Request {
        method: parts.method(),
        path: parts.path(),
        content_length: parts.content_length(),
        signature: parts.signature(),
        address: parts.address(),
        ray: parts.ray(),
        body: FetchBody::new(parts.request()),
    };
    spawn(async move {
        #[cfg(feature = "test-trap")]
        trap::if_asked(request.body.request()).await;

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
