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
    let name = error.name().as_string();
    let message = error.message().as_string();
    PlatformError::new(&format!(
        "{}: {}",
        name.as_deref().unwrap_or("name not a string"),
        message.as_deref().unwrap_or("message not a string")
    ))
}
