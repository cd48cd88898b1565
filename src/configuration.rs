//! The settings and bindings of an isolate, read once.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

use super::binding::is_bound;
use super::bodies::R2Bodies;
use super::deduper::DurableObjects;
use super::kv::KvMarkers;
use super::queue::WorkerQueue;
use cronozen_gateway::configuration::{Configuration, Needs};
use cronozen_gateway::dedupe::DedupeStore;
use cronozen_gateway::settings::{ConfigError, DEFAULT_MAX_BODY_BYTES, DedupeMode, Value};

/// The names of the bindings, in wrangler.toml.
const SEEN: &str = "SEEN";
const EVENTS: &str = "EVENTS";
const DEDUPER: &str = "DEDUPER";
const BODIES: &str = "BODIES";

/// The bindings that a delivery needs.
#[derive(Debug)]
pub(super) struct Bindings {
    /// The queue, bound as `EVENTS`.
    pub events: WorkerQueue,
    /// Where events are remembered.
    pub store: DedupeStore<KvMarkers, DurableObjects>,
    /// The bucket for bodies that do not fit a message, bound as `BODIES`.
    pub bodies: Option<R2Bodies>,
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
    let configuration =
        Rc::new(Configuration::new(|name| setting(env, name), |needs| bindings(env, needs)));
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

/// What the settings need.
fn bindings(env: &Env, needs: Needs) -> Result<Bindings, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let events = WorkerQueue::bound(env, EVENTS);
    if events.is_none() {
        errors.push(unusable(env, EVENTS, "a queue producer"));
    }
    let store = needs.dedupe.and_then(|dedupe| store(env, dedupe, &mut errors));
    let bodies = R2Bodies::bound(env, BODIES);
    if bodies.is_none() && (needs.bodies || is_bound(env, BODIES)) {
        let reason = format!(", for MAX_BODY_BYTES over {DEFAULT_MAX_BODY_BYTES}");
        let reason = if needs.bodies { &reason } else { "" };
        errors.push(unusable(env, BODIES, &format!("an R2 bucket{reason}")));
    }
    match (events, store) {
        (Some(events), Some(store)) if errors.is_empty() => Ok(Bindings { events, store, bodies }),
        _ => Err(errors),
    }
}

fn store(
    env: &Env,
    dedupe: DedupeMode,
    errors: &mut Vec<ConfigError>,
) -> Option<DedupeStore<KvMarkers, DurableObjects>> {
    let seen = KvMarkers::bound(env, SEEN);
    if seen.is_none() && dedupe != (DedupeMode::DurableObject { migrate_from_kv: false }) {
        errors.push(unusable(env, SEEN, "a KV namespace"));
    }
    match dedupe {
        DedupeMode::Kv => seen.map(DedupeStore::Markers),
        DedupeMode::DurableObject { migrate_from_kv } => {
            let shards = DurableObjects::bound(env, DEDUPER);
            if shards.is_none() {
                errors.push(unusable(env, DEDUPER, "the Durable Object class Deduper"));
            }
            let previous = seen.filter(|_| migrate_from_kv);
            shards.map(|shards| DedupeStore::Shards { shards, previous })
        }
    }
}

fn unusable(env: &Env, name: &'static str, expected: &str) -> ConfigError {
    let found = if is_bound(env, name) { "something else" } else { "no such binding" };
    ConfigError { name, expected: expected.to_owned(), found: found.to_owned() }
}
