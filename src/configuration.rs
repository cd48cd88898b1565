//! The Worker's settings and bindings, which an isolate reads once.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

use super::binding::is_bound;
use super::bucket::R2Bodies;
use super::deduper::DurableObjects;
use super::failures::RateLimiter;
use super::kv::KvMarkers;
use super::queue::WorkerQueue;
use cronozen_gateway::configuration::bindings::{BODIES, DEDUPER, EVENTS, FAILURES, SEEN};
use cronozen_gateway::configuration::{Configuration, Needs};
use cronozen_gateway::dedupe::DedupeStore;
use cronozen_gateway::settings::{ConfigError, DEFAULT_MAX_BODY_BYTES, DedupeMode, Value};

/// The bindings that a delivery needs.
#[derive(Debug)]
pub(super) struct Bindings {
    /// The queue, bound as `EVENTS`.
    pub events: WorkerQueue,
    /// The store that recognises duplicates.
    pub store: DedupeStore<KvMarkers, DurableObjects>,
    /// The bucket for bodies that do not fit in a message, bound as `BODIES`.
    pub bodies: Option<R2Bodies>,
    /// The limit on failed signatures, bound as `FAILURES`.
    pub failures: Option<RateLimiter>,
}

thread_local! {
    /// The last environment and its configuration. The values in an environment never change: new settings are
    /// deployed as new isolates.
    static LAST: RefCell<Option<(Env, Rc<Configuration<Bindings>>)>> = const { RefCell::new(None) };
}

/// Returns the configuration in `env`. Parses it only if `env` is not the environment of the last call.
pub(super) fn from_env(env: &Env) -> Rc<Configuration<Bindings>> {
    let current: &JsValue = env.as_ref();
    let cached = LAST.with_borrow(|last| {
        let (last, configuration) = last.as_ref()?;
        let last: &JsValue = last.as_ref();
        (last == current).then(|| Rc::clone(configuration))
    });
    if let Some(configuration) = cached {
        return configuration;
    }
    let configuration = Configuration::new(|name| setting(env, name), |needs| bindings(env, needs));
    let configuration = Rc::new(configuration.with_hints_for(names(env)));
    LAST.replace(Some((env.clone(), Rc::clone(&configuration))));
    configuration
}

/// Returns the names of all settings and bindings, the gateway's or not.
fn names(env: &Env) -> impl Iterator<Item = String> {
    // Unlike `Object.keys`, this does not throw if there is no environment.
    let names = Reflect::own_keys(env).unwrap_or_default();
    names.into_iter().filter_map(|name| name.as_string())
}

/// Returns a setting's value. Numbers and booleans, which wrangler.toml may also contain, become text in their JSON
/// form.
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

/// Returns the bindings that the settings need, or an error for each that is unusable. There may be no error if a
/// setting is invalid, because the setting has its own.
fn bindings(env: &Env, needs: Needs) -> Result<Bindings, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let events = WorkerQueue::from_binding(env, EVENTS);
    if events.is_none() {
        errors.push(unusable_binding(env, EVENTS, "a queue producer"));
    }
    let store = needs.dedupe.and_then(|dedupe| store(env, dedupe, &mut errors));
    let bodies = R2Bodies::from_binding(env, BODIES);
    // A bucket that is bound must be usable, even if no setting needs it.
    if bodies.is_none() && (needs.bodies || is_bound(env, BODIES)) {
        let for_large_bodies = format!(", for MAX_BODY_BYTES over {DEFAULT_MAX_BODY_BYTES}");
        let reason = if needs.bodies { &for_large_bodies } else { "" };
        errors.push(unusable_binding(env, BODIES, &format!("an R2 bucket{reason}")));
    }
    let failures = RateLimiter::from_binding(env, FAILURES);
    if failures.is_none() && is_bound(env, FAILURES) {
        errors.push(unusable_binding(env, FAILURES, "a rate limiter"));
    }
    match (events, store) {
        (Some(events), Some(store)) if errors.is_empty() => {
            Ok(Bindings { events, store, bodies, failures })
        }
        _ => Err(errors),
    }
}

/// Returns the store that recognises duplicates, or adds an error for each unusable binding.
fn store(
    env: &Env,
    dedupe: DedupeMode,
    errors: &mut Vec<ConfigError>,
) -> Option<DedupeStore<KvMarkers, DurableObjects>> {
    let seen = KvMarkers::from_binding(env, SEEN);
    // Only Durable Objects without a migration need no KV namespace.
    if seen.is_none() && dedupe != (DedupeMode::DurableObject { migrate_from_kv: false }) {
        errors.push(unusable_binding(env, SEEN, "a KV namespace"));
    }
    match dedupe {
        DedupeMode::Kv => seen.map(DedupeStore::Markers),
        DedupeMode::DurableObject { migrate_from_kv } => {
            let shards = DurableObjects::from_binding(env, DEDUPER);
            if shards.is_none() {
                errors.push(unusable_binding(env, DEDUPER, "the Durable Object class Deduper"));
            }
            let previous = seen.filter(|_| migrate_from_kv);
            shards.map(|shards| DedupeStore::Shards { shards, previous })
        }
    }
}

fn unusable_binding(env: &Env, name: &'static str, expected: &str) -> ConfigError {
    let found = if is_bound(env, name) { "something else" } else { "no such binding" };
    ConfigError { name, expected: expected.to_owned(), found: found.to_owned() }
}
