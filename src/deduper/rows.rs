//! The Durable Object's own database: a row for each event that is in the queue.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::millis;
use crate::binding::await_call;
use crate::clock::now;
use crate::error;
use crate::task::spawn;
use cronozen_gateway::dedupe::purge::{BATCH, INTERVAL, PurgeProgress};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

/// Creates a table without a rowid and without a second index. An event then costs two written rows: one when it is
/// marked, one when it is purged.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS seen \
    (event_id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID";

const LOOK: &str = "SELECT 1 FROM seen WHERE event_id = ? AND ends_at > ?";

/// Replaces an existing row: one that has ended and is not purged yet, one of an event that the settings forget, or one
/// that an earlier call for the event has written.
const MARK: &str = "INSERT OR REPLACE INTO seen (event_id, ends_at) VALUES (?, ?)";

/// Finds the last id of the batch that begins after an id.
const BATCH_END: &str =
    "SELECT event_id FROM seen WHERE event_id > ? ORDER BY event_id LIMIT 1 OFFSET ?";

const PURGE: &str = "DELETE FROM seen WHERE event_id > ? AND event_id <= ? AND ends_at <= ?";

/// Deletes the ended rows after an id, in the last batch.
const PURGE_LAST: &str = "DELETE FROM seen WHERE event_id > ? AND ends_at <= ?";

const ANY: &str = "SELECT 1 FROM seen LIMIT 1";

#[wasm_bindgen]
extern "C" {
    /// The storage of a Durable Object. The `worker` crate's own binding would add conversions of every column
    /// type.
    #[derive(Debug, Clone)]
    pub type Storage;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;

    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    fn get_alarm(this: &Storage) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    fn set_alarm(this: &Storage, at: f64) -> Result<JsValue, JsValue>;

    type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &str, values: &Array) -> Result<Cursor, JsValue>;

    type Cursor;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Cursor) -> Result<Array, JsValue>;
}

/// The rows of one object. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Rows(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    /// True if the next purge is planned already. Without this, every event would have to query the alarm.
    planned: Cell<bool>,
    /// The last id that the current purge has checked. Empty before its first batch.
    purged_until: RefCell<String>,
}

impl Rows {
    /// Creates the table if it does not exist.
    pub(super) fn open(storage: Storage) -> Result<Self, PlatformError> {
        let rows = Self(Rc::new(Inner {
            storage,
            planned: Cell::new(false),
            purged_until: RefCell::default(),
        }));
        rows.execute(CREATE, &[])?;
        Ok(rows)
    }

    fn execute(&self, query: &str, values: &[JsValue]) -> Result<Array, PlatformError> {
        let values = values.iter().collect();
        let rows = self.0.storage.sql().exec(query, &values).and_then(|cursor| cursor.to_array());
        rows.map_err(|thrown| error::from_js(&thrown))
    }

    /// Goes through one batch of rows, deletes those that have ended, and plans the next batch.
    pub(super) async fn purge(&self) -> Result<(), PlatformError> {
        let result = self.purge_and_plan().await;
        if result.is_err() {
            // The platform retries, but not for ever. After that, the next event plans a purge.
            self.0.planned.set(false);
        }
        result
    }

    async fn purge_and_plan(&self) -> Result<(), PlatformError> {
        if let Some(pause) = self.purge_batch()?.next() {
            return self.plan(pause).await;
        }
        self.0.planned.set(false);
        Ok(())
    }

    fn purge_batch(&self) -> Result<PurgeProgress, PlatformError> {
        let now = millis(now()).into();
        let begin = JsValue::from_str(&self.0.purged_until.borrow());
        let end = self.execute(BATCH_END, &[begin.clone(), (BATCH - 1).into()])?;
        if let Some(end) = first_text(&end, "event_id") {
            self.execute(PURGE, &[begin, end.as_str().into(), now])?;
            self.0.purged_until.replace(end);
            return Ok(PurgeProgress::More);
        }
        self.execute(PURGE_LAST, &[begin, now])?;
        self.0.purged_until.take();
        let empty = self.execute(ANY, &[])?.length() == 0;
        Ok(if empty { PurgeProgress::Empty } else { PurgeProgress::Done })
    }

    async fn plan(&self, after: Duration) -> Result<(), PlatformError> {
        let at = millis(now().plus(after));
        await_call(self.0.storage.set_alarm(at)).await.map(drop)
    }

    /// Plans a purge, unless one is planned already.
    async fn plan_first(&self) -> Result<(), PlatformError> {
        let alarm = await_call(self.0.storage.get_alarm()).await?;
        // An alarm that is overdue by more than `INTERVAL` will not run any more.
        let oldest = millis(now().minus(INTERVAL));
        let will_run = alarm.as_f64().is_some_and(|at| at > oldest);
        if will_run { Ok(()) } else { self.plan(INTERVAL).await }
    }

    /// Returns true if the event has a row that has not ended.
    pub(super) fn has(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let found = self.execute(LOOK, &[event_id.as_str().into(), millis(now()).into()])?;
        Ok(found.length() > 0)
    }

    /// Writes the event's row.
    pub(super) fn write(
        &self,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> Result<(), PlatformError> {
        self.execute(MARK, &[event_id.as_str().into(), millis(ends_at).into()])?;
        if !self.0.planned.replace(true) {
            let rows = self.clone();
            spawn(async move {
                let result = rows.plan_first().await;
                rows.0.planned.set(result.is_ok());
            });
        }
        Ok(())
    }
}

/// Returns the text in a column of the first row, if there is one.
fn first_text(rows: &Array, column: &str) -> Option<String> {
    Reflect::get(&rows.get(0), &column.into()).ok()?.as_string()
}
