//! The WebAssembly of the npm package: translates between values of JavaScript and of the webhook crate, which decides.
//!
//! JavaScript writes a signature and a body into an [`Input`], and a [`Verifier`] checks them. `JSON.parse` then parses
//! the verified text, where the Worker uses `serde_json`, because its result is the event that the caller gets. At the
//! end, [`check_event_id`] checks the `eventId`. The JavaScript that callers import, and the loaders, are in `pkg/src`.

#![expect(
    clippy::float_cmp,
    reason = "the code that wasm-bindgen generates for an enum compares doubles"
)]

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize;

mod body_cap;
mod input;
mod precomputed;
mod refusal;

use body_cap::BodyCap;
use cronozen_webhook::event::{self, EventError, EventId};
use cronozen_webhook::signature::{Secrets, SecretsError, Signature, SignatureError};
use input::Input;
use precomputed::{BLOCK_BYTES, HASH_BYTES, KeyBlocks};
use refusal::{Refusal, refusal};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The part of the HMACs that JavaScript's runtime has computed. In the input it is between the signature and the body.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy)]
pub enum PrecomputedPart {
    /// No part.
    Nothing,
    /// The inner hash of each secret, followed by the first block of the last inner hash, which is ignored.
    InnerHashes,
    /// The HMAC of each secret.
    Macs,
}

/// The reason why a verified text is not an event.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy)]
pub enum EventProblem {
    /// `JSON.parse` does not accept the text.
    NotJson,
    /// The event has no `eventId`.
    IdMissing,
    /// The `eventId` is not a string.
    IdNotAString,
    /// The `eventId` contains a lone surrogate.
    IdNotUnicode,
}

/// The bytes of a secret's length, which JavaScript writes as a little-endian number of 32 bits.
const LENGTH_BYTES: usize = 4;

/// The sizes that JavaScript needs to lay out an [`Input`], in bytes.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy)]
pub enum Size {
    /// The length of a secret, before the secret.
    SecretLength = 4,
    /// An HMAC, or an inner hash.
    Hash = 32,
    /// A block of SHA-256.
    Block = 64,
}

const _: () = assert!(
    Size::SecretLength as usize == LENGTH_BYTES
        && Size::Hash as usize == HASH_BYTES
        && Size::Block as usize == BLOCK_BYTES,
    "JavaScript and Rust must agree on the sizes"
);

/// The active secrets, as key states, and the cap on the body's length.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Verifier {
    secrets: Secrets,
    blocks: KeyBlocks,
    cap: BodyCap,
}

#[wasm_bindgen]
impl Verifier {
    /// Reads the secrets from the input, newest first, each after its length in four bytes, and zeroises them there.
    /// `secrets` is their number.
    ///
    /// # Errors
    /// The message of the error in the secrets or the cap.
    #[wasm_bindgen(constructor)]
    pub fn new(
        input: &mut Input,
        secrets: usize,
        max_body_bytes: Option<u32>,
    ) -> Result<Self, String> {
        let cap = BodyCap::new(max_body_bytes).map_err(|error| error.to_string());
        let mut end = 0;
        let mut texts = Vec::new();
        for _ in 0..secrets {
            let length = input.bytes(end, LENGTH_BYTES).first_chunk().copied().unwrap_or_default();
            let start = end + LENGTH_BYTES;
            end = start + u32::from_le_bytes(length) as usize;
            texts.push(input.text(start, end - start));
        }
        let verifier = cap.and_then(|cap| {
            let secrets = Secrets::new(&texts).map_err(secrets_error_text)?;
            Ok(Self { secrets, blocks: KeyBlocks::new(&texts), cap })
        });
        input.bytes_mut(0, end).zeroize();
        verifier
    }

    /// Returns the largest length of a body that is verified, in bytes.
    #[wasm_bindgen(getter, js_name = maxBodyBytes)]
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.cap.bytes()
    }

    /// Returns the address of the first blocks of the inner hashes, which are one directly after the other.
    #[must_use]
    pub fn blocks(&self) -> *const u8 {
        self.blocks.inner().as_flattened().as_ptr()
    }

    /// Signs the body with the newest secret. Writes the signature, which is 64 characters, over the body.
    pub fn sign(&self, input: &mut Input, body: usize) {
        let signature = self.secrets.sign(input.bytes(0, body)).to_string();
        let room = input.bytes_mut(0, signature.len());
        room.iter_mut().zip(signature.bytes()).for_each(|(room, digit)| *room = digit);
    }

    /// Returns true if one of the secrets has signed the body. The input holds the signature, if there is one, then the
    /// [precomputed](PrecomputedPart) part, and then the body. `signature` and `body` are lengths in bytes. After
    /// precomputed HMACs the body may be missing.
    #[must_use]
    pub fn matches(
        &self,
        input: &Input,
        signature: Option<u32>,
        precomputed: PrecomputedPart,
        body: usize,
    ) -> bool {
        self.cap.check(body).is_ok() && self.verify(input, signature, precomputed, body).is_ok()
    }

    /// Returns the position of the secret that has signed the body, or a [`Refusal`]. A body that is not UTF-8, or does
    /// not begin with `{`, is refused. The input is that of [`Self::matches`], with the body.
    #[must_use]
    pub fn check(
        &self,
        input: &Input,
        signature: Option<u32>,
        precomputed: PrecomputedPart,
        body: usize,
    ) -> JsValue {
        self.judge(input, signature, precomputed, body).map_or_else(refusal, JsValue::from)
    }
}

/// Returns the text of an error in the secrets, and its cure in JavaScript.
fn secrets_error_text(error: SecretsError) -> String {
    let cure = match error {
        SecretsError::InnerWhiteSpace { .. } => {
            ": if it is several secrets, use .trim().split(/\\s+/)"
        }
        SecretsError::Empty { .. } | SecretsError::Count { found: 0 } => {
            ": is the environment variable CRONOZEN_SIGNING_SECRET set?"
        }
        SecretsError::OuterWhiteSpace { .. } => ": use .trim()",
        SecretsError::QuotationMark { .. } => ": remove the quotation marks",
        SecretsError::InvisibleCharacter { .. } => ": copy it again, as plain text",
        _ => "",
    };
    format!("{error}{cure}")
}

impl Verifier {
    /// Returns the result of [`Self::check`].
    fn judge(
        &self,
        input: &Input,
        signature: Option<u32>,
        precomputed: PrecomputedPart,
        body: usize,
    ) -> Result<u8, Refusal> {
        self.cap.check(body)?;
        let (key, body) = self.verify(input, signature, precomputed, body)?;
        event::object_text(body)?;
        Ok(key)
    }

    /// Returns the position of the secret, and the body. JavaScript must have computed the precomputed part from this
    /// body: that is not checked.
    fn verify<'input>(
        &self,
        input: &'input Input,
        signature: Option<u32>,
        precomputed: PrecomputedPart,
        body: usize,
    ) -> Result<(u8, &'input [u8]), SignatureError> {
        let start = signature.map_or(0, |length| length as usize);
        let hashes = self.blocks.inner().len() * HASH_BYTES;
        let (hashes, block) = match precomputed {
            PrecomputedPart::Nothing => (0, 0),
            PrecomputedPart::InnerHashes => (hashes, BLOCK_BYTES),
            PrecomputedPart::Macs => (hashes, 0),
        };
        let signature = Signature::parse(signature.map(|_| input.bytes(0, start)))?;
        let body = input.bytes(start + hashes + block, body);
        let (hashes, _) = input.bytes(start, hashes).as_chunks();
        let key = match precomputed {
            PrecomputedPart::Nothing => {
                self.secrets.verify(body, signature).map(|verified| verified.key())
            }
            PrecomputedPart::InnerHashes => self.blocks.position_by_inner_hashes(signature, hashes),
            PrecomputedPart::Macs => self.blocks.position_by_macs(signature, hashes),
        };
        Ok((key?, body))
    }
}

/// Checks the `eventId` in the input, of this length in bytes. Returns undefined, or a [`Refusal`].
#[wasm_bindgen(js_name = checkEventId)]
#[must_use]
pub fn check_event_id(input: &Input, length: usize) -> JsValue {
    match EventId::new(input.text(0, length).to_owned()) {
        Ok(_) => JsValue::UNDEFINED,
        Err(error) => refusal(error),
    }
}

/// Returns the [`Refusal`] of a verified text that is not an event.
#[wasm_bindgen(js_name = refuseEvent)]
#[must_use]
pub fn refuse_event(problem: EventProblem) -> JsValue {
    refusal(match problem {
        EventProblem::NotJson => EventError::NotJson { place: None },
        EventProblem::IdMissing => EventError::IdMissing,
        EventProblem::IdNotAString => EventError::IdNotAString,
        EventProblem::IdNotUnicode => EventError::IdNotUnicode,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_secret_comes_with_its_cure() {
        for (secret, text) in [
            ("one\n", "starts or ends with white space: use .trim()"),
            (
                "one two",
                r"contains white space: if it is several secrets, use .trim().split(/\s+/)",
            ),
            ("'one'", "starts or ends with a quotation mark: remove the quotation marks"),
            ("one\0", "contains an invisible character: copy it again, as plain text"),
            ("", "is empty or blank: is the environment variable CRONOZEN_SIGNING_SECRET set?"),
        ] {
            let error = Secrets::new(&["whsec_one", secret]).unwrap_err();
            assert_eq!(secrets_error_text(error), format!("secret at position 1 {text}"));
        }
        assert_eq!(
            secrets_error_text(Secrets::new(&[""; 0]).unwrap_err()),
            "wrong number of secrets: 0 (1 to 8 are allowed): is the environment variable CRONOZEN_SIGNING_SECRET set?"
        );
    }
}
