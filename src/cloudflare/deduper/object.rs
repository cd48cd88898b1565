//! Strict mode, inside the object: commits the events that belong here, one flight for each at a time.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::call::{self, Call};
use super::rows::{Rows, Storage};
use crate::cloudflare::clock::WorkerClock;
use crate::cloudflare::kv::KvSeenStore;
use crate::cloudflare::log::ConsoleLog;
use crate::cloudflare::queue::WorkerQueue;
use crate::cloudflare::task::spawn;
use crate::cloudflare::{EVENTS, SEEN, failure, hush};
use crate::commit::migration::Migrating;
use crate::commit::single_flight::{Flights, SingleFlight};
use crate::commit::{Commit, Committed, LookSendMark};
use crate::error::{PlatformError, Unavailable};
use crate::platform::{Background, Clock};
use crate::settings::Budget;

/// The object's work goes on as long as it lives; nothing needs to be kept alive for it.
#[derive(Debug, Clone, Copy)]
struct ObjectBackground;

impl Background for ObjectBackground {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        spawn(future);
    }
}

#[wasm_bindgen]
extern "C" {
    /// Takes what has come of a call.
    #[derive(Debug)]
    pub type Answered;

    #[wasm_bindgen(method)]
    fn call(this: &Answered, receiver: &JsValue, outcome: &str, reason: Option<String>);

    /// Takes why an alarm has failed, if it has.
    #[derive(Debug)]
    pub type Rung;

    #[wasm_bindgen(method)]
    fn call(this: &Rung, receiver: &JsValue, failure: Option<String>);
}

/// One object. The shim `worker.mjs` makes the class around it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DeduperObject(Rc<Known>);

/// What one object knows.
#[derive(Debug)]
struct Known {
    storage: Storage,
    /// Opened by the first call that can.
    rows: RefCell<Option<Rows>>,
    events: Option<WorkerQueue>,
    seen: Option<KvSeenStore>,
    flights: Flights,
}

#[wasm_bindgen]
impl DeduperObject {
    /// The object with this storage and the Worker's bindings.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(storage: Storage, env: &Env) -> Self {
        hush();
        Self(Rc::new(Known {
            storage,
            rows: RefCell::default(),
            events: WorkerQueue::bound(env, EVENTS),
            seen: KvSeenStore::bound(env, SEEN),
            flights: Flights::default(),
        }))
    }

    /// Commits the event of a call.
    pub fn commit(&self, call: JsValue, answered: Answered) {
        let known = Rc::clone(&self.0);
        spawn(async move {
            let committed = match known.try_commit(call).await {
                Ok(committed) => committed,
                Err(error) => Committed::Unavailable(Unavailable::DeduperFailed(error)),
            };
            let (outcome, reason) = call::answer(&committed);
            answered.call(&JsValue::UNDEFINED, outcome, reason);
        });
    }

    /// Purges a batch of rows that have ended.
    pub fn alarm(&self, rung: Rung) {
        let known = Rc::clone(&self.0);
        spawn(async move {
            let purged = match known.rows() {
                Ok(rows) => rows.purge().await,
                Err(error) => Err(error),
            };
            rung.call(&JsValue::UNDEFINED, purged.err().map(|error| error.to_string()));
        });
    }
}

impl Known {
    /// The object's rows. A storage that fails once must not fail the object for good.
    fn rows(&self) -> Result<Rows, PlatformError> {
        if let Some(rows) = self.rows.borrow().as_ref() {
            return Ok(rows.clone());
        }
        let rows = Rows::open(self.storage.clone())?;
        self.rows.replace(Some(rows.clone()));
        Ok(rows)
    }

    async fn try_commit(&self, call: JsValue) -> Result<Committed, PlatformError> {
        let Call { message, elapsed, deadline, migrate_from_kv } =
            Call::from_js(call).map_err(|thrown| failure::translate(&thrown))?;
        let queue = bound(self.events.as_ref(), EVENTS)?;
        let previous = migrate_from_kv.then(|| bound(self.seen.as_ref(), SEEN)).transpose()?;
        let clock = WorkerClock::default();
        let commit = SingleFlight {
            inner: LookSendMark {
                store: Migrating { store: self.rows()?, previous },
                queue,
                clock: clock.clone(),
                background: ObjectBackground,
                log: ConsoleLog,
            },
            flights: self.flights.clone(),
            clock: clock.clone(),
            background: ObjectBackground,
            log: ConsoleLog,
        };
        let arrived = clock.now().minus(elapsed);
        Ok(commit.commit(message, Budget::new(arrived, deadline)).await)
    }
}

fn bound<T: Clone>(binding: Option<&T>, name: &str) -> Result<T, PlatformError> {
    binding.cloned().ok_or_else(|| PlatformError::new(&format!("{name} is not bound")))
}
