//! The settings and bindings of an isolate, read once.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

use super::kv::KvSeenStore;
use super::queue::WorkerQueue;
use crate::settings::{Configuration, Misconfigured};

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

/// A setting's text. wrangler.toml may also give numbers and booleans; they become text as JSON writes
/// them. Anything else becomes the empty text, which no setting takes for a value.
fn setting(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &name.into()).ok()?;
    if value.is_undefined() {
        return None;
    }
    let scalar = value.as_f64().is_some() || value.as_bool().is_some();
    let number = || JSON::stringify(&value).ok().map(String::from).filter(|_| scalar);
    Some(value.as_string().or_else(number).unwrap_or_default())
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
