//! Strict mode, inside the object: leases the events that belong here, and keeps a row for each that is in the queue.
//!
//! The object never waits for a queue, KV or R2: all requests to it share six connections.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::rows::{Rows, Storage};
use super::{DUPLICATE, LEASED, TOO_MANY_WAITERS, WAIT_ENDED};
use crate::clock::now;
use crate::double::{from_double, to_double};
use crate::silence_panics;
use crate::task::spawn;
use cronozen_gateway::dedupe::lease::{Decision, Decisions, LeaseId, LeaseTable};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

#[wasm_bindgen]
extern "C" {
    /// Takes the answer to a request for a lease: the outcome, and the lease or the failure.
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

    /// Takes the failure of a call, if it has failed.
    #[derive(Debug)]
    pub type Done;

    #[wasm_bindgen(method)]
    fn call(this: &Done, receiver: &JsValue, failure: Option<String>);
}

/// One object. The shim `worker.mjs` makes the class around it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DeduperObject(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    /// Opened by the first call that can.
    rows: RefCell<Option<Rows>>,
    leases: RefCell<LeaseTable<AcquireCallback>>,
}

#[wasm_bindgen]
impl DeduperObject {
    /// The object with this storage, in an instance of this generation.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(storage: Storage, generation: u32) -> Self {
        silence_panics();
        let leases = RefCell::new(LeaseTable::new(generation));
        Self(Rc::new(Inner { storage, rows: RefCell::default(), leases }))
    }

    /// Answers a request for a lease, at once or when the lease that it waits for has ended.
    pub fn acquire(
        &self,
        event_id: String,
        ignores_row: bool,
        wait_ms: f64,
        answer: AcquireCallback,
    ) {
        match self.0.is_seen(event_id, ignores_row) {
            Ok((event_id, false)) => {
                let wait = Duration::try_from_secs_f64(wait_ms / 1000.0).unwrap_or_default();
                let mut leases = self.0.leases.borrow_mut();
                let decisions = leases.acquire(&event_id, now(), wait, answer);
                drop(leases);
                pass_on(decisions);
            }
            Ok((_, true)) => answer.send(Decision::Duplicate),
            Err(error) => {
                answer.call(&JsValue::UNDEFINED, None, None, Some(error.to_string()));
            }
        }
    }

    /// Writes the row of an event that is in the queue, and ends its lease, if it has one. Returns why that failed.
    #[must_use]
    pub fn mark(&self, event_id: String, ends_at: f64, lease: Option<f64>) -> Option<String> {
        self.0.mark(event_id, ends_at, lease).err().map(|error| error.to_string())
    }

    /// Ends a lease whose holder has gone or given up.
    pub fn release(&self, event_id: String, lease: f64) {
        let Ok(event_id) = EventId::new(event_id) else { return };
        let mut leases = self.0.leases.borrow_mut();
        let decisions = leases.release(&event_id, lease_id(lease), now());
        drop(leases);
        pass_on(decisions);
    }

    /// Purges a batch of rows that have ended.
    pub fn alarm(&self, done: Done) {
        let inner = Rc::clone(&self.0);
        spawn(async move {
            let purged = match inner.rows() {
                Ok(rows) => rows.purge().await,
                Err(error) => Err(error),
            };
            done.call(&JsValue::UNDEFINED, purged.err().map(|error| error.to_string()));
        });
    }
}

impl Inner {
    /// The object's rows. A storage that fails once must not fail the object for good.
    fn rows(&self) -> Result<Rows, PlatformError> {
        if let Some(rows) = self.rows.borrow().as_ref() {
            return Ok(rows.clone());
        }
        let rows = Rows::open(self.storage.clone())?;
        self.rows.replace(Some(rows.clone()));
        Ok(rows)
    }

    fn is_seen(
        &self,
        event_id: String,
        ignores_row: bool,
    ) -> Result<(EventId, bool), PlatformError> {
        let event_id = checked(event_id)?;
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
        let event_id = checked(event_id)?;
        self.rows()?.write(&event_id, Timestamp::from_millis(ends_at as i64))?;
        let decisions = self.leases.borrow_mut().commit(&event_id, lease.map(lease_id));
        pass_on(decisions);
        Ok(())
    }
}

/// The Worker has checked the id; another version of it may have other rules.
fn checked(event_id: String) -> Result<EventId, PlatformError> {
    EventId::new(event_id).map_err(|error| PlatformError::new(&error.to_string()))
}

fn pass_on(decisions: Decisions<AcquireCallback>) {
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
