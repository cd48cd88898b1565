//! The conversion of a thrown JavaScript value to the gateway crate's [`PlatformError`].

use js_sys::Error;
use wasm_bindgen::{JsCast, JsValue};

use cronozen_gateway::runtime::PlatformError;

/// Keeps the name and the message of an error, or the text of a thrown string. Never keeps a stack.
pub(super) fn from_js(thrown: &JsValue) -> PlatformError {
    if let Some(text) = thrown.as_string() {
        return PlatformError::new(&text);
    }
    let Some(error) = thrown.dyn_ref::<Error>() else {
        return PlatformError::new("a thrown value that is not an error");
    };
    // Either may be no string, and a conversion that expects one would trap.
    let text = |value: &JsValue| value.as_string().unwrap_or_else(|| "not a string".to_owned());
    PlatformError::new(&format!("{}: {}", text(&error.name()), text(&error.message())))
}
