//! Refusals, as JavaScript reads them.

use serde::Serialize;
use wasm_bindgen::JsValue;

use cronozen_webhook::event::EventError;
use cronozen_webhook::signature::SignatureError;

use crate::body_cap::BodyTooLarge;

/// The code, status and message for a body that is not a verified event. It is an array in JavaScript: serde's code for an
/// object would add 1.6 KB to the package.
#[derive(Debug, Serialize)]
pub struct Refusal(&'static str, u16, String);

impl From<BodyTooLarge> for Refusal {
    fn from(error: BodyTooLarge) -> Self {
        Self("body_too_large", 413, error.to_string())
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Self(error.code(), 401, error.to_string())
    }
}

impl From<EventError> for Refusal {
    fn from(error: EventError) -> Self {
        Self("invalid_event", 400, error.to_string())
    }
}

/// Returns the refusal as JavaScript reads it.
pub fn refusal(refusal: impl Into<Refusal>) -> JsValue {
    // An array of strings and numbers always converts.
    serde_wasm_bindgen::to_value(&refusal.into()).unwrap_or(JsValue::NULL)
}
