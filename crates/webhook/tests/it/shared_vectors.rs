//! Tests of signatures and envelopes with the test vectors that the tests in Rust and JavaScript share.

use crate::vectors::{self, Part};
use cronozen_webhook::event::{Event, EventError, JsonString};
use cronozen_webhook::signature::{Secrets, Signature, SignatureError, VerifiedBody};
use serde::Deserialize;

/// A test vector: a body, its signature if it has one, and the expected result `E`.
#[derive(Deserialize)]
struct Vector<E> {
    name: String,
    secrets: Vec<String>,
    body: Vec<Part>,
    signature: Option<String>,
    expect: E,
}

#[derive(Deserialize)]
struct SignatureExpected {
    /// The position of the secret that has signed the body.
    key: Option<u8>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeExpected {
    event_id: Option<String>,
    type_json: Option<String>,
    created_at_json: Option<String>,
    reason: Option<String>,
}

fn verify<'body>(
    body: &'body [u8],
    signature: Option<&str>,
    secrets: &[String],
) -> Result<VerifiedBody<'body>, SignatureError> {
    let signature = Signature::parse(signature.map(str::as_bytes))?;
    Secrets::parse(&secrets.join(" ")).unwrap().verify(body, signature)
}

#[test]
fn every_shared_signature_gives_the_expected_result() {
    for vector in vectors::read::<Vector<SignatureExpected>>(include_str!(
        "../../../../tests/vectors/signatures.json"
    )) {
        let body = vectors::body(&vector.body);
        let verified = verify(&body, vector.signature.as_deref(), &vector.secrets);
        let error = verified.as_ref().err().map(|error| error.code());
        assert_eq!(error, vector.expect.error.as_deref(), "{}", vector.name);
        let Ok(verified) = verified else { continue };
        assert_eq!(Some(verified.key()), vector.expect.key, "{}", vector.name);
        assert_eq!(verified.body(), body, "{}", vector.name);
        assert_eq!(Some(verified.signature().to_string()), vector.signature, "{}", vector.name);
    }
}

#[test]
fn every_shared_envelope_gives_the_expected_result() {
    for vector in vectors::read::<Vector<EnvelopeExpected>>(include_str!(
        "../../../../tests/vectors/envelopes.json"
    )) {
        let (name, expect) = (&vector.name, &vector.expect);
        let body = vectors::body(&vector.body);
        let verified = verify(&body, vector.signature.as_deref(), &vector.secrets).expect(name);
        let event = Event::read(verified);
        let reason = event.as_ref().err().map(|error| match error {
            EventError::NotUtf8 { .. } => "not_utf8",
            EventError::NotAnObject => "not_an_object",
            EventError::NotJson { .. } => "not_json",
            EventError::IdMissing => "id_missing",
            EventError::IdNotAString => "id_not_a_string",
            EventError::IdNotUnicode => "id_not_unicode",
            EventError::IdEmpty => "id_empty",
            EventError::IdTooLong { .. } => "id_too_long",
            EventError::IdControlCharacter => "id_control_character",
            _ => "an unlisted reason",
        });
        assert_eq!(reason, expect.reason.as_deref(), "{name}");
        let Ok(event) = event else { continue };
        assert_eq!(Some(event.id().as_str()), expect.event_id.as_deref(), "{name}");
        assert_eq!(event.event_type().map(JsonString::json), expect.type_json.as_deref(), "{name}");
        assert_eq!(
            event.created_at().map(JsonString::json),
            expect.created_at_json.as_deref(),
            "{name}"
        );
    }
}
