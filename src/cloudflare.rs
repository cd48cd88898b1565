//! The Worker: translates between Cloudflare's types and the core's, and decides nothing.

mod binding;
mod configuration;
mod failure;
mod kv;
mod log;
mod platform;
mod queue;
mod request;
mod response;
#[cfg(feature = "test-trap")]
mod trap;

use std::sync::Once;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env};

use crate::commit::LookSendMark;
use crate::receive::receive;
use crate::settings::Settings;
use configuration::Bindings;
use log::ConsoleLog;
use platform::{WorkerBackground, WorkerClock};

static QUIET: Once = Once::new();

/// The entry point of every request. The shim `worker.mjs` calls it.
///
/// The `worker` crate's own macro would do the same, and format errors that never come.
///
/// # Errors
/// What JavaScript throws when it is asked for the request's parts; the shim then answers 503.
#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
pub async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: worker::worker_sys::Context,
) -> Result<web_sys::Response, JsValue> {
    // The `worker` crate's own hook logs a stack. The shim tells of the trap that follows a panic.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    #[cfg(feature = "test-trap")]
    trap::if_asked(&request).await?;

    let configuration = configuration::of(&env);
    let commit = |settings: &Settings, bindings: &Bindings| LookSendMark {
        store: bindings.seen.clone(),
        queue: bindings.events.clone(),
        clock: WorkerClock,
        background: WorkerBackground(Context::new(context)),
        log: ConsoleLog,
        forget: settings.forget.clone(),
    };
    let answer =
        receive(request::translate(request)?, &configuration, commit, &WorkerClock, &ConsoleLog)
            .await;
    response::translate(&answer)
}
