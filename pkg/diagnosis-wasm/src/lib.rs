//! The diagnosis of the npm package: translates between values of JavaScript and of the webhook crate, which decides.

use cronozen_webhook::diagnosis::{self, Party};
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A diagnosis, as JavaScript reads it.
#[derive(Debug, Serialize)]
struct Diagnosis {
    verified: Option<u32>,
    findings: Vec<Finding>,
}

/// A finding, as JavaScript reads it.
#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    message: String,
    cure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

/// Returns the diagnosis of a body and the header's value, if there is one. `secrets` are the UTF-8 texts of the secrets,
/// one directly after the other, and `lengths` their lengths in bytes. The texts are zeroised, also in JavaScript.
#[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen has no optional slice")]
#[wasm_bindgen]
#[must_use]
pub fn diagnose(
    body: &[u8],
    signature: Option<Vec<u8>>,
    secrets: &mut [u8],
    lengths: &[u32],
) -> JsValue {
    let mut rest = &*secrets;
    let texts: Vec<&str> = lengths
        .iter()
        .map(|length| {
            let (text, after) = rest.split_at_checked(*length as usize).unwrap_or_default();
            rest = after;
            str::from_utf8(text).unwrap_or_default()
        })
        .collect();
    let diagnosis = translated(&diagnosis::diagnose(body, signature.as_deref(), &texts));
    secrets.zeroize();
    // Strings and numbers always convert.
    serde_wasm_bindgen::to_value(&diagnosis).unwrap_or(JsValue::NULL)
}

fn translated(diagnosis: &diagnosis::Diagnosis) -> Diagnosis {
    let position = |position: Option<usize>| position.and_then(|position| position.try_into().ok());
    let findings = diagnosis.findings().iter().map(|finding| Finding {
        code: finding.code(),
        message: finding.mistake().to_string(),
        cure: finding.cure(),
        party: finding.mistake().party().map(|party| match party {
            Party::Receiver => "receiver",
            Party::Signer => "signer",
        }),
        position: position(finding.mistake().position()),
        proof: finding.proof().map(ToString::to_string),
    });
    Diagnosis { verified: position(diagnosis.verified()), findings: findings.collect() }
}
