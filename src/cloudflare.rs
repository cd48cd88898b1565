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

use std::rc::Rc;
use std::sync::Once;

use worker::event;

use crate::commit::LookSendMark;
use crate::receive::receive;
use crate::settings::Settings;
use configuration::Bindings;
use log::ConsoleLog;
use platform::{WorkerBackground, WorkerClock};

static QUIET: Once = Once::new();

/// The entry point of every request. The shim `worker.mjs` calls it.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: worker::Env,
    context: worker::Context,
) -> worker::Result<web_sys::Response> {
    // The `worker` crate's own hook logs a stack. The shim tells of the trap that follows a panic.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    #[cfg(feature = "test-trap")]
    trap::if_asked(&request).await?;

    let configuration = configuration::of(&env);
    let context = Rc::new(context);
    let commit = |settings: &Settings, bindings: &Bindings| LookSendMark {
        store: bindings.seen.clone(),
        queue: bindings.events.clone(),
        clock: WorkerClock,
        background: WorkerBackground(context),
        log: ConsoleLog,
        forget: settings.forget.clone(),
    };
    let answer =
        receive(request::translate(request)?, &configuration, commit, &WorkerClock, &ConsoleLog)
            .await;
    response::translate(&answer)
}
