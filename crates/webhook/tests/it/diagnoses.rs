//! Tests of diagnoses with the vectors that the tests in Rust and JavaScript share.

use crate::signing;
use crate::vectors::{self, Part};
use cronozen_webhook::diagnosis::{Diagnosis, Finding, MAX_WORK_BYTES, Mistake, Party, diagnose};
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
    findings: Vec<ExpectedFinding>,
    verified: Option<usize>,
    signed: Option<Vec<Part>>,
    key_hex: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct ExpectedFinding {
    code: String,
    party: Option<String>,
    position: Option<usize>,
    proven: bool,
}

impl From<&Finding> for ExpectedFinding {
    fn from(finding: &Finding) -> Self {
        let party = finding.mistake().party().map(|party| match party {
            Party::Receiver => "receiver",
            Party::Signer => "signer",
        });
        Self {
            code: finding.code().to_owned(),
            party: party.map(str::to_owned),
            position: finding.mistake().position(),
            proven: finding.proof().is_some(),
        }
    }
}

#[test]
fn every_shared_diagnosis_is_the_expected_one() {
    for vector in vectors::read::<Vector>(include_str!("../../../../tests/vectors/diagnoses.json"))
    {
        let (name, expect) = (&vector.name, &vector.expect);
        let body = vectors::body(&vector.body);
        let header = vector.signature.as_deref().map(str::as_bytes);
        let diagnosis = diagnose(&body, header, &vector.secrets);
        let findings: Vec<ExpectedFinding> =
            diagnosis.findings().iter().map(ExpectedFinding::from).collect();
        assert_eq!(findings, expect.findings, "{name}");
        assert_eq!(diagnosis.verified(), expect.verified, "{name}");
        assert!(diagnosis.work() <= MAX_WORK_BYTES, "{name}");
        let proof = diagnosis.proof();
        let signed = proof.map(|proof| proof.body(&body).into_owned());
        assert_eq!(signed, expect.signed.as_deref().map(vectors::body), "{name}");
        let key = proof.map(|proof| signing::hex(&proof.key(&vector.secrets)));
        assert_eq!(key, expect.key_hex, "{name}");
    }
}

fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings().iter().map(|finding| finding.code()).collect()
}

/// Returns true if all combinations were tried, and the signature is still unexplained.
fn is_searched_whole(body: &str) -> bool {
    let diagnosis = diagnose(body.as_bytes(), Some(&[b'0'; 64]), &["whsec_test"]);
    assert!(diagnosis.work() <= MAX_WORK_BYTES);
    match diagnosis.findings() {
        [finding] => match finding.mistake() {
            Mistake::Unexplained { combinations, all } => combinations > 0 && all,
            mistake => panic!("{mistake}"),
        },
        findings => panic!("{findings:?}"),
    }
}

#[test]
fn a_search_that_a_limit_has_cut_short_does_not_claim_to_be_whole() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_searched_whole("no JSON"));
    assert!(is_searched_whole(&nested(128)));
    assert!(!is_searched_whole(&nested(129)));
    assert!(!is_searched_whole(&nested(100_000)));
    assert!(!is_searched_whole(&format!("[{}0]", "0,".repeat(256 * 1024))));
    assert!(!is_searched_whole(&"x".repeat(4 * 1024 * 1024)));
    // Indentation makes it more than a hundred times as long.
    let indented = format!("[{}0]", format!("{},", nested(120)).repeat(100));
    assert!(!is_searched_whole(&indented));
}

#[test]
fn secrets_after_the_eighth_are_ignored() {
    let mut secrets = ["whsec_other"; 9];
    secrets[8] = "whsec_test";
    let header = signing::sign(b"{}", "whsec_test");
    for (count, first) in [(9, 0), (9, 1)] {
        let diagnosis = diagnose(b"{}", Some(header.as_bytes()), &secrets[first..count]);
        assert_eq!(diagnosis.verified(), (first == 1).then_some(7));
    }
    // The verifier refuses nine, even if the first has signed.
    secrets[0] = "whsec_test";
    let diagnosis = diagnose(b"{}", Some(header.as_bytes()), &secrets);
    assert_eq!(diagnosis.verified(), None);
    assert_eq!(codes(&diagnosis), ["secret_count"]);
}

#[test]
fn a_search_that_left_out_an_input_does_not_claim_to_be_whole() {
    let is_whole = |secrets: &[&str]| {
        let diagnosis = diagnose(b"{}", Some(&[b'0'; 64]), secrets);
        match diagnosis.findings().last().unwrap().mistake() {
            Mistake::Unexplained { all, .. } => all,
            mistake => panic!("{mistake}"),
        }
    };
    assert!(is_whole(&["whsec_test"; 8]));
    assert!(!is_whole(&["whsec_test"; 9]));
    assert!(is_whole(&[&"x".repeat(1024)]));
    assert!(!is_whole(&[&"x".repeat(1025)]));
    assert!(is_whole(&[&"word ".repeat(8)]));
    assert!(!is_whole(&[&"word ".repeat(9)]));
}

#[test]
fn a_body_that_is_too_large_to_search_is_called_so() {
    let body = vec![b'x'; 41 * 1024 * 1024];
    let diagnosis = diagnose(&body, Some(&[b'0'; 64]), &["whsec_test"]);
    let finding = &diagnosis.findings()[0];
    assert_eq!(finding.code(), "unexplained");
    assert!(finding.mistake().to_string().ends_with("too large to search"));
    // The verifier itself has no such limit.
    let header = signing::sign(&body, "whsec_test");
    let diagnosis = diagnose(&body, Some(header.as_bytes()), &["whsec_test"]);
    assert_eq!((diagnosis.verified(), codes(&diagnosis)), (Some(0), vec![]));
}
