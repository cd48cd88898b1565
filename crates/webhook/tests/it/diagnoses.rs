//! Tests of diagnoses with the vectors that the tests in Rust and JavaScript share.

use crate::signing;
use crate::vectors::{self, Part};
use cronozen_webhook::diagnosis::{MAX_WORK_BYTES, diagnose};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    secrets: Vec<String>,
    body: Vec<Part>,
    signature: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    codes: Vec<String>,
    verified: Option<usize>,
    signed: Option<Vec<Part>>,
    key_hex: Option<String>,
}

#[test]
fn every_shared_diagnosis_is_the_expected_one() {
    for vector in vectors::read::<Vector>(include_str!("../../../../tests/vectors/diagnoses.json"))
    {
        let (name, expect) = (&vector.name, &vector.expect);
        let body = vectors::body(&vector.body);
        let header = vector.signature.as_deref().map(str::as_bytes);
        let diagnosis = diagnose(&body, header, &vector.secrets);
        let codes: Vec<_> = diagnosis.findings().iter().map(|finding| finding.code()).collect();
        assert_eq!(codes, expect.codes, "{name}");
        assert_eq!(diagnosis.verified(), expect.verified, "{name}");
        assert!(diagnosis.work() <= MAX_WORK_BYTES, "{name}");
        let proof = diagnosis.proof();
        let signed = proof.map(|proof| proof.body(&body).into_owned());
        assert_eq!(signed, expect.signed.as_deref().map(vectors::body), "{name}");
        let key = proof.map(|proof| signing::hex(&proof.key(&vector.secrets)));
        assert_eq!(key, expect.key_hex, "{name}");
    }
}
