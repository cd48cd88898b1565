//! The settings and bindings of an isolate, read once.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

use super::kv::KvSeenStore;
use super::queue::WorkerQueue;
use crate::settings::{Configuration, Misconfigured, Value};

/// The bindings that a delivery needs.
#[derive(Debug)]
pub(super) struct Bindings {
    /// Workers KV, bound as `SEEN`.
    pub seen: KvSeenStore,
    /// The queue, bound as `EVENTS`.
    pub events: WorkerQueue,
}

thread_local! {
    /// An isolate's environment never changes: new settings are deployed as new isolates.
    static LAST: RefCell<Option<(Env, Rc<Configuration<Bindings>>)>> = const { RefCell::new(None) };
}

/// The configuration in `env`; parsed again only if it is another environment than the last.
pub(super) fn of(env: &Env) -> Rc<Configuration<Bindings>> {
    let current: &JsValue = env.as_ref();
    let known = LAST.with_borrow(|last| {
        let (last, configuration) = last.as_ref()?;
        let last: &JsValue = last.as_ref();
        (last == current).then(|| Rc::clone(configuration))
    });
    if let Some(configuration) = known {
        return configuration;
    }
    let configuration = Rc::new(Configuration::new(|name| setting(env, name), bindings(env)));
    LAST.replace(Some((env.clone(), Rc::clone(&configuration))));
    configuration
}

/// A setting's value. wrangler.toml may also give numbers and booleans; they become text as JSON writes
/// them.
fn setting(env: &Env, name: &str) -> Value {
    let value = Reflect::get(env, &name.into()).unwrap_or(JsValue::UNDEFINED);
    if value.is_undefined() {
        return Value::Absent;
    }
    if let Some(text) = value.as_string() {
        return Value::Text(text.into());
    }
    if value.as_f64().is_none() && value.as_bool().is_none() {
        return Value::Other;
    }
    JSON::stringify(&value).map_or(Value::Other, |text| Value::Text(String::from(text).into()))
}

fn bindings(env: &Env) -> Result<Bindings, Vec<Misconfigured>> {
    match (KvSeenStore::bound(env, "SEEN"), WorkerQueue::bound(env, "EVENTS")) {
        (Some(seen), Some(events)) => Ok(Bindings { seen, events }),
        (seen, events) => {
            let mut wrong = Vec::new();
            if seen.is_none() {
                wrong.push(missing("SEEN", "a KV namespace"));
            }
            if events.is_none() {
                wrong.push(missing("EVENTS", "a queue producer"));
            }
            Err(wrong)
        }
    }
}

fn missing(name: &'static str, expected: &str) -> Misconfigured {
    Misconfigured { name, expected: expected.to_owned(), found: "no such binding".to_owned() }
}
