//! What crosses between the Worker and the object: plain objects, written and read here.
//!
//! While a new version is being deployed, the one may be older than the other. A field that is missing is
//! therefore an error like any other, and the delivery comes again.

use core::time::Duration;

use js_sys::{Error, Object};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::commit::{Committed, Lookup, LookupError};
use crate::error::{PlatformError, Unavailable};
use crate::message::{Marker, Message, MessageParts};
use crate::time::Timestamp;

/// One delivery's call.
pub(super) struct Call {
    pub message: Message,
    /// How long ago the delivery arrived: the two clocks need not agree.
    pub elapsed: Duration,
    pub deadline: Duration,
    pub migrate_from_kv: bool,
}

#[wasm_bindgen(module = "/src/cloudflare/once.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = deduperCall)]
    fn deduper_call(
        event_id: &str,
        received_at: &str,
        ttl: f64,
        before_dedupe: &str,
        after_dedupe: &str,
        elapsed: f64,
        deadline: f64,
        ignores_marker: bool,
        migrate_from_kv: bool,
    ) -> Object;
}

#[wasm_bindgen]
extern "C" {
    /// Durations are in seconds.
    type JsCall;

    #[wasm_bindgen(method, getter, js_name = eventId)]
    fn event_id(this: &JsCall) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = receivedAt)]
    fn received_at(this: &JsCall) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn ttl(this: &JsCall) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = beforeDedupe)]
    fn before_dedupe(this: &JsCall) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = afterDedupe)]
    fn after_dedupe(this: &JsCall) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn elapsed(this: &JsCall) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn deadline(this: &JsCall) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = ignoresMarker)]
    fn ignores_marker(this: &JsCall) -> Option<bool>;
    #[wasm_bindgen(method, getter, js_name = migrateFromKv)]
    fn migrate_from_kv(this: &JsCall) -> Option<bool>;

    type JsAnswer;

    #[wasm_bindgen(method, getter)]
    fn outcome(this: &JsAnswer) -> Option<String>;
    /// Why it is unavailable, or the look-up in doubt.
    #[wasm_bindgen(method, getter)]
    fn reason(this: &JsAnswer) -> Option<String>;
}

const NEW: &str = "new";
const DUPLICATE: &str = "duplicate";
const UNAVAILABLE: &str = "unavailable";

impl Call {
    pub(super) fn into_js(self) -> Object {
        let parts = self.message.into_parts();
        deduper_call(
            &parts.event_id,
            &parts.marker.received_at.to_string(),
            parts.marker.ttl.as_secs_f64(),
            &parts.before_dedupe,
            &parts.after_dedupe,
            self.elapsed.as_secs_f64(),
            self.deadline.as_secs_f64(),
            parts.ignores_marker,
            self.migrate_from_kv,
        )
    }

    pub(super) fn from_js(call: JsValue) -> Result<Self, JsValue> {
        let call: JsCall = fields(call)?.unchecked_into();
        let parts = MessageParts {
            event_id: known(call.event_id())?,
            marker: Marker {
                ttl: duration(call.ttl())?,
                received_at: known(
                    call.received_at().and_then(|time| Timestamp::parse_rfc3339(&time)),
                )?,
            },
            ignores_marker: known(call.ignores_marker())?,
            before_dedupe: known(call.before_dedupe())?,
            after_dedupe: known(call.after_dedupe())?,
        };
        Ok(Self {
            message: known(Message::from_parts(parts).ok())?,
            elapsed: duration(call.elapsed())?,
            deadline: duration(call.deadline())?,
            migrate_from_kv: known(call.migrate_from_kv())?,
        })
    }
}

/// What has fields: asking anything else for one would throw.
fn fields(value: JsValue) -> Result<JsValue, JsValue> {
    known(value.is_object().then_some(value))
}

fn duration(seconds: Option<f64>) -> Result<Duration, JsValue> {
    known(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

fn known<T>(value: Option<T>) -> Result<T, JsValue> {
    value.ok_or_else(|| Error::new("expected the deduper's own words, got others").into())
}

/// The answer to a call: the outcome, and why it is unavailable, or the look-up in doubt.
pub(super) fn answer(committed: &Committed) -> (&'static str, Option<String>) {
    match committed {
        Committed::New(Lookup::Missed) => (NEW, None),
        Committed::New(Lookup::Doubtful(error)) => (NEW, Some(error.to_string())),
        Committed::Duplicate => (DUPLICATE, None),
        Committed::Unavailable(unavailable) => (UNAVAILABLE, Some(unavailable.to_string())),
    }
}

/// What an answer says.
pub(super) fn committed(answer: JsValue) -> Result<Committed, JsValue> {
    let answer: JsAnswer = fields(answer)?.unchecked_into();
    let reason = answer.reason().map(|reason| PlatformError::new(&reason));
    match (known(answer.outcome())?.as_str(), reason) {
        (NEW, None) => Ok(Committed::New(Lookup::Missed)),
        (NEW, Some(reason)) => Ok(Committed::New(Lookup::Doubtful(LookupError::Reported(reason)))),
        (DUPLICATE, _) => Ok(Committed::Duplicate),
        (UNAVAILABLE, Some(reason)) => Ok(Committed::Unavailable(Unavailable::Reported(reason))),
        _ => known(None),
    }
}
