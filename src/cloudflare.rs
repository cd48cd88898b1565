//! The Worker: translates between Cloudflare's types and the core's, and decides nothing.

mod configuration;
mod failure;
mod kv;
mod log;
mod platform;
mod queue;
mod request;
mod response;

use std::rc::Rc;

use worker::event;

use crate::commit::LookSendMark;
use crate::receive::receive;
use crate::settings::Settings;
use configuration::Bindings;
use log::ConsoleLog;
use platform::{WorkerBackground, WorkerClock};

/// The entry point of every request. The shim `worker.mjs` calls it.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: worker::Env,
    context: worker::Context,
) -> worker::Result<web_sys::Response> {
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
