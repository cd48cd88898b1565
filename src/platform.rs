//! A request's platform: the clock, the console, `ctx.waitUntil` and the bindings.

use core::time::Duration;
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::Context;

use super::body::FetchBody;
use super::bucket::R2Bodies;
use super::clock::WorkerClock;
use super::configuration::Bindings;
use super::deduper::DurableObjects;
use super::failures::RateLimiter;
use super::kv::KvMarkers;
use super::log;
use super::queue::WorkerQueue;
use super::task::spawn;
use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::dedupe::DedupeStore;
use cronozen_gateway::failures::SuppressedCount;
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::runtime::{Background, Clock};
use cronozen_webhook::time::Timestamp;

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    /// Keeps the request alive until the returned function is called.
    #[wasm_bindgen(js_name = keepAlive)]
    fn keep_alive(context: &Context) -> Function;
}

thread_local! {
    /// The allowance of the isolate. A new instance after a trap starts with nothing held.
    static ALLOWANCE: Allowance = Allowance::default();

    static SUPPRESSED: SuppressedCount = SuppressedCount::default();
}

/// The platform of one request. Clones share its clock and its context.
#[derive(Clone)]
pub(super) struct WorkerPlatform {
    clock: WorkerClock,
    context: Rc<Context>,
    allowance: Allowance,
    suppressed: SuppressedCount,
}

impl WorkerPlatform {
    pub(super) fn new(context: Context) -> Self {
        Self {
            clock: WorkerClock::default(),
            context: Rc::new(context),
            allowance: ALLOWANCE.with(Allowance::clone),
            suppressed: SUPPRESSED.with(SuppressedCount::clone),
        }
    }
}

impl Clock for WorkerPlatform {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.clock.sleep(duration)
    }
}

impl Background for WorkerPlatform {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        let release = keep_alive(&self.context);
        spawn(async move {
            future.await;
            // `release` only resolves a promise.
            let _undefined = release.call0(&JsValue::UNDEFINED);
        });
    }
}

impl Log for WorkerPlatform {
    fn write(&self, level: Level, record: &Record) {
        log::write(level, record);
    }
}

impl Platform for WorkerPlatform {
    type Bindings = Bindings;
    type Body = FetchBody;
    type Markers = KvMarkers;
    type Shards = DurableObjects;
    type Queue = WorkerQueue;
    type Bodies = R2Bodies;
    type Failures = RateLimiter;

    fn store(&self, bindings: &Bindings) -> DedupeStore<KvMarkers, DurableObjects> {
        bindings.store.clone()
    }

    fn queue(&self, bindings: &Bindings) -> WorkerQueue {
        bindings.events.clone()
    }

    fn bodies<'b>(&self, bindings: &'b Bindings) -> Option<&'b R2Bodies> {
        bindings.bodies.as_ref()
    }

    fn failures<'b>(&'b self, bindings: &'b Bindings) -> Option<&'b RateLimiter> {
        bindings.failures.as_ref()
    }

    fn suppressed(&self) -> &SuppressedCount {
        &self.suppressed
    }

    fn allowance(&self) -> &Allowance {
        &self.allowance
    }
}
