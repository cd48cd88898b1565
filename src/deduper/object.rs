//! Strict mode inside a Durable Object, one for each shard. The object leases the shard's events to deliveries, and
//! keeps a row for each event that is in the queue.
//!
//! The object never waits for a queue, KV or R2, because all requests to it share six connections.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::rows::{Rows, Storage};
use super::{DUPLICATE, LEASED, TOO_MANY_WAITERS, WAIT_ENDED};
use crate::clock::now;
use crate::js_number::{from_double, to_double};
use crate::panics::silence_panics;
use crate::task::spawn;
use cronozen_gateway::dedupe::lease::{Decision, Decisions, LeaseId, LeaseTable};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

#[wasm_bindgen]
extern "C" {
    /// The callback that gets the answer to a request for a lease: the outcome, with the lease if one is granted, or
    /// the failure.
    #[derive(Debug)]
    pub type AcquireCallback;

    #[wasm_bindgen(method)]
    fn call(
        this: &AcquireCallback,
        receiver: &JsValue,
        outcome: Option<&str>,
        lease: Option<f64>,
        failure: Option<String>,
    );

    /// The callback for the end of a call. It gets the failure, if there is one.
    #[derive(Debug)]
    pub type DoneCallback;

    #[wasm_bindgen(method)]
    fn call(this: &DoneCallback, receiver: &JsValue, failure: Option<String>);
}

/// The part of a Durable Object that is in Rust. The class `Deduper` in `worker.ts` wraps it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DeduperObject(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    /// `None` until a call has opened the rows.
    rows: RefCell<Option<Rows>>,
    leases: RefCell<LeaseTable<AcquireCallback>>,
}

#[wasm_bindgen]
impl DeduperObject {
    /// Creates the object with this storage. `generation` is the number of the WebAssembly instance: no two instances
    /// grant the same lease.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(storage: Storage, generation: u32) -> Self {
        silence_panics();
        let leases = RefCell::new(LeaseTable::new(generation));
        Self(Rc::new(Inner { storage, rows: RefCell::default(), leases }))
    }

    /// Requests the lease of an event. Calls `answer` at once, or later if another delivery holds the lease. The
    /// event's row is ignored if `ignores_row` is true.
    pub fn acquire(
        &self,
        event_id: String,
        ignores_row: bool,
        wait_ms: f64,
        answer: AcquireCallback,
    ) {
        match self.0.look_up(event_id, ignores_row) {
            Ok((event_id, false)) => {
                let wait = Duration::try_from_secs_f64(wait_ms / 1000.0).unwrap_or_default();
                let mut leases = self.0.leases.borrow_mut();
                let decisions = leases.acquire(&event_id, now(), wait, answer);
                drop(leases);
                send_decisions(decisions);
            }
            Ok((_, true)) => answer.send(Decision::Duplicate),
            Err(error) => {
                answer.call(&JsValue::UNDEFINED, None, None, Some(error.to_string()));
            }
        }
    }

    /// Writes the row of an event that is in the queue, answers the calls that wait for the event, and ends `lease`.
    /// Returns the failure, if there is one.
    #[must_use]
    pub fn mark(&self, event_id: String, ends_at: f64, lease: Option<f64>) -> Option<String> {
        self.0.mark(event_id, ends_at, lease).err().map(|error| error.to_string())
    }

    /// Ends a lease whose holder has gone or given up.
    pub fn release(&self, event_id: String, lease: f64) {
        // An invalid id has no lease.
        let Ok(event_id) = EventId::new(event_id) else { return };
        let mut leases = self.0.leases.borrow_mut();
        let decisions = leases.release(&event_id, lease_id(lease), now());
        drop(leases);
        send_decisions(decisions);
    }

    /// Goes through one batch of rows, and deletes those that have ended. Calls `done` at the end.
    pub fn alarm(&self, done: DoneCallback) {
        let inner = Rc::clone(&self.0);
        spawn(async move {
            let result = match inner.rows() {
                Ok(rows) => rows.purge().await,
                Err(error) => Err(error),
            };
            done.call(&JsValue::UNDEFINED, result.err().map(|error| error.to_string()));
        });
    }
}

impl Inner {
    /// Returns the object's rows, and opens them if they are not open yet. The next call tries again after a failure:
    /// one failure of the storage must not disable the object for good.
    fn rows(&self) -> Result<Rows, PlatformError> {
        if let Some(rows) = self.rows.borrow().as_ref() {
            return Ok(rows.clone());
        }
        let rows = Rows::open(self.storage.clone())?;
        self.rows.replace(Some(rows.clone()));
        Ok(rows)
    }

    /// Returns the checked id, and true if the event has a row that has not ended and is not ignored.
    fn look_up(
        &self,
        event_id: String,
        ignores_row: bool,
    ) -> Result<(EventId, bool), PlatformError> {
        let event_id = parse_event_id(event_id)?;
        let seen = !ignores_row && self.rows()?.has(&event_id)?;
        Ok((event_id, seen))
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
    fn mark(
        &self,
        event_id: String,
        ends_at: f64,
        lease: Option<f64>,
    ) -> Result<(), PlatformError> {
        let event_id = parse_event_id(event_id)?;
        self.rows()?.write(&event_id, Timestamp::from_millis(ends_at as i64))?;
        let decisions = self.leases.borrow_mut().commit(&event_id, lease.map(lease_id));
        send_decisions(decisions);
        Ok(())
    }
}

/// Checks the id again. The Worker has checked it, but another version of the Worker may have other rules.
fn parse_event_id(event_id: String) -> Result<EventId, PlatformError> {
    EventId::new(event_id).map_err(|error| PlatformError::new(&error.to_string()))
}

fn send_decisions(decisions: Decisions<AcquireCallback>) {
    for (answer, decision) in decisions {
        answer.send(decision);
    }
}

impl AcquireCallback {
    fn send(&self, decision: Decision) {
        let (outcome, lease) = match decision {
            Decision::Lease(lease) => (LEASED, Some(to_double(lease.number()))),
            Decision::Duplicate => (DUPLICATE, None),
            Decision::WaitEnded => (WAIT_ENDED, None),
            Decision::TooManyWaiters => (TOO_MANY_WAITERS, None),
        };
        self.call(&JsValue::UNDEFINED, Some(outcome), lease, None);
    }
}

fn lease_id(number: f64) -> LeaseId {
    LeaseId::from_number(from_double(number))
}
