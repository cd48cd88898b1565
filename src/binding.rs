//! How JavaScript's objects are asked for things: bindings are looked at before they are used, options are
//! built, and promises awaited.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use super::{error, wait};
use cronozen_gateway::runtime::PlatformError;

/// What is bound as `name`, if it has all these methods.
pub(super) fn with_methods<T: JsCast>(env: &Env, name: &str, methods: &[&str]) -> Option<T> {
    let binding = Reflect::get(env, &name.into()).ok().filter(JsValue::is_object)?;
    let has = |method: &&str| {
        Reflect::get(&binding, &(*method).into()).is_ok_and(|method| method.is_function())
    };
    methods.iter().all(has).then(|| binding.unchecked_into())
}

/// Whether anything is bound as `name`.
pub(super) fn is_bound(env: &Env, name: &str) -> bool {
    Reflect::get(env, &name.into()).is_ok_and(|binding| !binding.is_undefined())
}

/// An object with these fields.
pub(super) fn object(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

/// What a call comes to, whether it throws at once or later. What can be awaited need be no promise: remote calls
/// return something else.
pub(super) async fn await_call(called: Result<JsValue, JsValue>) -> Result<JsValue, PlatformError> {
    let called = called.map_err(|thrown| error::from_js(&thrown))?;
    // Nothing, at once, is no binding's answer, and must not be taken for a success. What a remote call returns is
    // a function, too.
    if !called.is_object() && !called.is_function() {
        return Err(PlatformError::new("the call returned nothing to await"));
    }
    wait::await_promise(&called).await.map_err(|thrown| error::from_js(&thrown))
}
