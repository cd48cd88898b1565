//! What can be said of a binding before it is used.

use js_sys::Reflect;
use worker::Env;

/// Whether something with all these methods is bound as `name`.
pub(super) fn has_methods(env: &Env, name: &str, methods: &[&str]) -> bool {
    let Ok(binding) = Reflect::get(env, &name.into()) else { return false };
    binding.is_object()
        && methods.iter().all(|method| {
            Reflect::get(&binding, &(*method).into()).is_ok_and(|method| method.is_function())
        })
}
