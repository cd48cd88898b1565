//! The npm package: translates between JavaScript's values and the core's, and decides nothing.
//!
//! JavaScript writes what is to be verified into an [`Input`], a [`Verifier`] judges it, and
//! [`check_event_id`] judges what `JSON.parse` has found in the verified text: the engine's parser stands
//! where the Worker has `serde_json`, because its result is the event that is handed out. The face that
//! people import, and the loaders, are in `pkg/src`.

use core::fmt::Display;

use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize;

use crate::body_cap::BodyCap;
use crate::error::Rejection;
use crate::event::{self, EventError, EventId};
use crate::signature::{self, Secrets, Signature, SignatureError, Verified};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Room that JavaScript writes into: pieces one after the other, with nothing between them. One is enough
/// for all calls, because each is over before the next one can write.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Input(Vec<u8>);

#[wasm_bindgen]
impl Input {
    /// One without any room yet.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for `length` bytes, and says where it is; null if there is no memory left.
    pub fn reserve(&mut self, length: usize) -> *const u8 {
        let more = length.saturating_sub(self.0.len());
        if self.0.try_reserve_exact(more).is_err() {
            return core::ptr::null();
        }
        self.0.resize(self.0.len() + more, 0);
        self.0.as_ptr()
    }
}

impl Input {
    /// The `length` bytes from `start` on. There are none if JavaScript has not reserved them.
    fn bytes(&self, start: usize, length: usize) -> &[u8] {
        self.0.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    /// As [`Self::bytes`]. JavaScript has encoded the text, so it is UTF-8.
    fn text(&self, start: usize, length: usize) -> &str {
        str::from_utf8(self.bytes(start, length)).unwrap_or_default()
    }

    /// Wipes the first `length` bytes.
    fn wipe(&mut self, length: usize) {
        self.0.get_mut(..length).unwrap_or_default().zeroize();
    }
}

/// The active secrets, as key states, and the cap.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Verifier {
    secrets: Secrets,
    cap: BodyCap,
}

#[wasm_bindgen]
impl Verifier {
    /// Takes the secrets, newest first, out of the input, where they stand with these lengths in bytes.
    ///
    /// # Errors
    /// What was expected of the secrets or the cap, as a text.
    #[wasm_bindgen(constructor)]
    pub fn new(
        input: &mut Input,
        lengths: &[usize],
        max_body_bytes: Option<u32>,
    ) -> Result<Self, String> {
        let mut start = 0;
        let mut texts = Vec::with_capacity(lengths.len());
        for &length in lengths {
            texts.push(input.text(start, length));
            start += length;
        }
        let secrets = Secrets::new(&texts);
        input.wipe(start);
        let secrets = secrets.map_err(|error| error.to_string())?;
        let cap = BodyCap::new(max_body_bytes).map_err(|error| error.to_string())?;
        Ok(Self { secrets, cap })
    }

    /// The largest body that is verified, in bytes.
    #[wasm_bindgen(getter, js_name = maxBodyBytes)]
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.cap.bytes()
    }

    /// Whether one of the secrets has signed the body. The input holds the signature, if there is one, and
    /// then the body, with these lengths in bytes.
    #[must_use]
    pub fn matches(&self, input: &Input, signature: Option<u32>, body: usize) -> bool {
        self.cap.check(body).is_ok() && self.verify(input, signature, body).is_ok()
    }

    /// Whether one of the secrets has signed the body, and it is a text that starts as an object does: the
    /// position of the secret, or a [`Refusal`]. The input is as in [`Self::matches`].
    #[must_use]
    pub fn check(&self, input: &Input, signature: Option<u32>, body: usize) -> JsValue {
        self.judge(input, signature, body).map_or_else(|refusal| refusal, JsValue::from)
    }
}

impl Verifier {
    /// The position of the secret, or a [`Refusal`].
    fn judge(&self, input: &Input, signature: Option<u32>, body: usize) -> Result<u8, JsValue> {
        self.cap.check(body).map_err(refusal)?;
        let verified = self.verify(input, signature, body).map_err(refusal)?;
        event::text(verified).map_err(refusal)?;
        Ok(verified.key())
    }

    fn verify<'input>(
        &self,
        input: &'input Input,
        signature: Option<u32>,
        body: usize,
    ) -> Result<Verified<'input>, SignatureError> {
        let signature = signature.map(|length| input.bytes(0, length as usize));
        let body = input.bytes(signature.map_or(0, <[u8]>::len), body);
        self.secrets.verify(body, Signature::parse(signature)?)
    }
}

/// Judges the `eventId` that `JSON.parse` has found: undefined, or a [`Refusal`]. It is undefined itself if
/// there is none.
#[wasm_bindgen(js_name = checkEventId)]
#[must_use]
pub fn check_event_id(id: &JsValue) -> JsValue {
    if id.is_undefined() {
        return refusal(EventError::IdMissing);
    }
    let Some(text) = id.as_string() else {
        return refusal(EventError::IdNotAString);
    };
    // On its way a lone surrogate has become another character.
    if JsValue::from_str(&text) != *id {
        return refusal(EventError::IdNotUnicode);
    }
    match EventId::new(text) {
        Ok(_) => JsValue::UNDEFINED,
        Err(error) => refusal(error),
    }
}

/// The [`Refusal`] of a text that `JSON.parse` does not take.
#[wasm_bindgen(js_name = notJson)]
#[must_use]
pub fn not_json() -> JsValue {
    refusal(EventError::NotJson { place: None })
}

/// The signature of a body. The input holds the secret, and then the body, with these lengths in bytes.
///
/// # Errors
/// What was expected of the secret, as a text.
#[wasm_bindgen]
pub fn sign(input: &mut Input, secret: usize, body: usize) -> Result<String, String> {
    let signature = signature::sign(input.bytes(secret, body), input.text(0, secret));
    input.wipe(secret);
    signature.map(|signature| signature.to_string()).map_err(|error| error.to_string())
}

/// Code, status and message: an array in JavaScript.
#[derive(Serialize)]
struct Refusal(&'static str, u16, String);

/// Takes the error itself, and not a [`Rejection`], which knows the texts of all the others.
fn refusal(error: impl Display + Copy + Into<Rejection>) -> JsValue {
    let rejection = error.into();
    let refusal = Refusal(rejection.precise_code(), rejection.status(), error.to_string());
    // An array of texts and numbers always converts.
    serde_wasm_bindgen::to_value(&refusal).unwrap_or(JsValue::NULL)
}
