//! The Worker: translates between Cloudflare's types and the core's, and decides nothing.

mod binding;
mod bodies;
mod configuration;
mod deduper;
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

use futures_util::future::Either;

use crate::commit::LookSendMark;
use crate::commit::deduper::AskDeduper;
use crate::receive::receive;
use configuration::{Bindings, Store};
use deduper::DurableObjects;
use log::ConsoleLog;
use platform::{WorkerBackground, WorkerClock};

/// The names of the bindings, in wrangler.toml.
const SEEN: &str = "SEEN";
const EVENTS: &str = "EVENTS";
const DEDUPER: &str = "DEDUPER";
const BODIES: &str = "BODIES";

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

static QUIET: Once = Once::new();

/// The `worker` crate's own panic hook logs a stack. The shim tells of the trap that follows a panic.
fn hush() {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

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
    hush();
    #[cfg(feature = "test-trap")]
    trap::if_asked(&request).await?;

    let configuration = configuration::of(&env);
    let commit = |bindings: &Bindings| match &bindings.store {
        Store::Kv(seen) => Either::Left(LookSendMark {
            store: seen.clone(),
            queue: bindings.events.clone(),
            clock: WorkerClock,
            background: WorkerBackground(Context::new(context)),
            log: ConsoleLog,
        }),
        Store::Deduper { namespace, migrate_from_kv } => Either::Right(AskDeduper {
            deduper: DurableObjects {
                namespace: namespace.clone(),
                migrate_from_kv: *migrate_from_kv,
            },
            clock: WorkerClock,
        }),
    };
    let request = request::translate(request)?;
    let answer =
        receive(request, &configuration, Bindings::bodies, commit, &WorkerClock, &ConsoleLog).await;
    response::translate(&answer)
}
