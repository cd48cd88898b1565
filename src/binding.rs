//! Access to JavaScript objects: checks bindings before they are used, builds option objects, and awaits calls.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use super::{error, wait};
use cronozen_gateway::runtime::PlatformError;

/// Returns the binding `name` if it has all these methods.
pub(super) fn with_methods<T: JsCast>(env: &Env, name: &str, methods: &[&str]) -> Option<T> {
    let binding = Reflect::get(env, &name.into()).ok().filter(JsValue::is_object)?;
    let has = |method: &&str| {
        Reflect::get(&binding, &(*method).into()).is_ok_and(|method| method.is_function())
    };
    methods.iter().all(has).then(|| binding.unchecked_into())
}

/// Returns true if anything is bound as `name`.
pub(super) fn is_bound(env: &Env, name: &str) -> bool {
    Reflect::get(env, &name.into()).is_ok_and(|binding| !binding.is_undefined())
}

/// Returns an object with these fields.
pub(super) fn object(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

/// Awaits the result of a call, which may throw at once or fail later. The awaited value need not be a promise: remote
/// calls return something else.
pub(super) async fn await_call(call: Result<JsValue, JsValue>) -> Result<JsValue, PlatformError> {
    let awaitable = call.map_err(|thrown| error::from_js(&thrown))?;
    // No binding returns a plain value, such as `undefined`: it must not count as a success. The value that a remote
    // call returns is a function.
    if !awaitable.is_object() && !awaitable.is_function() {
        return Err(PlatformError::new("the call returned nothing to await"));
    }
    wait::await_promise(&awaitable).await.map_err(|thrown| error::from_js(&thrown))
}
