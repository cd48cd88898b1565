//! Strict mode: one of 16 Durable Objects leases each event.

mod object;
mod rows;

use core::time::Duration;
use std::rc::Rc;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use super::binding::{await_call, with_methods};
use cronozen_gateway::dedupe::lease::Decision;
use cronozen_gateway::dedupe::shard::{ShardLease, Shards};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = acquireLease)]
    fn acquire_lease(
        namespace: &JsValue,
        shard: u8,
        event_id: &str,
        ignores_row: bool,
        wait_ms: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = commitLease)]
    fn commit_lease(acquired: &JsValue, ends_at: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = markEvent)]
    fn mark_event(
        namespace: &JsValue,
        shard: u8,
        event_id: &str,
        ends_at: f64,
    ) -> Result<JsValue, JsValue>;

    /// Disposes of the value that a remote call has returned. If it holds a lease, the Durable Object releases that.
    fn dispose(acquired: &JsValue);
}

#[wasm_bindgen]
extern "C" {
    type AcquireReply;

    #[wasm_bindgen(method, getter)]
    fn outcome(this: &AcquireReply) -> Option<String>;
}

/// The outcomes of a request for a lease, as the Durable Object sends them to the Worker.
const LEASED: &str = "leased";
const DUPLICATE: &str = "duplicate";
const WAIT_ENDED: &str = "wait ended";
const TOO_MANY_WAITERS: &str = "too many waiters";

/// The namespace of the class `Deduper`. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct DurableObjects(Rc<JsValue>);

impl DurableObjects {
    /// Returns the namespace bound as `name`, or `None` if nothing is bound or the binding is not a namespace.
    pub(super) fn from_binding(env: &Env, name: &str) -> Option<Self> {
        with_methods::<JsValue>(env, name, &["idFromName", "get"]).map(|it| Self(Rc::new(it)))
    }
}

impl Shards for DurableObjects {
    type Lease = RemoteLease;

    async fn acquire(
        &self,
        shard: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> Result<Decision<RemoteLease>, PlatformError> {
        let wait_ms = wait.as_secs_f64() * 1000.0;
        let call = acquire_lease(&self.0, shard, event_id.as_str(), ignores_row, wait_ms);
        // Wrapped first, so that an unexpected answer is disposed of, too.
        let acquired = RemoteLease(await_call(call).await?);
        let outcome = acquired.0.is_object().then(|| acquired.0.unchecked_ref::<AcquireReply>());
        match outcome.and_then(AcquireReply::outcome).as_deref() {
            Some(LEASED) => Ok(Decision::Lease(acquired)),
            Some(DUPLICATE) => Ok(Decision::Duplicate),
            Some(WAIT_ENDED) => Ok(Decision::WaitEnded),
            Some(TOO_MANY_WAITERS) => Ok(Decision::TooManyWaiters),
            _ => Err(PlatformError::new("unexpected answer from the deduper")),
        }
    }

    async fn mark(
        &self,
        shard: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> Result<(), PlatformError> {
        let call = mark_event(&self.0, shard, event_id.as_str(), millis(ends_at));
        await_call(call).await.map(drop)
    }
}

/// The answer to a request for a lease. If it holds a lease, dropping it releases the lease.
#[derive(Debug)]
pub(super) struct RemoteLease(JsValue);

impl ShardLease for RemoteLease {
    async fn commit(&self, ends_at: Timestamp) -> Result<(), PlatformError> {
        await_call(commit_lease(&self.0, millis(ends_at))).await.map(drop)
    }
}

impl Drop for RemoteLease {
    fn drop(&mut self) {
        dispose(&self.0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
fn millis(time: Timestamp) -> f64 {
    time.as_millis() as f64
}
