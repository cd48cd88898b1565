//! What can be said of a binding before it is used.

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use worker::Env;

/// What is bound as `name`, if it has all these methods.
pub(super) fn with_methods(env: &Env, name: &str, methods: &[&str]) -> Option<JsValue> {
    let binding = Reflect::get(env, &name.into()).ok().filter(JsValue::is_object)?;
    let has = |method: &&str| {
        Reflect::get(&binding, &(*method).into()).is_ok_and(|method| method.is_function())
    };
    methods.iter().all(has).then_some(binding)
}
