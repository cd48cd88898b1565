//! Properties of diagnoses: every mistake is found, every proof holds, and nothing panics or gives a secret away.

use crate::properties::event;
use crate::signing::sign;
use crate::vectors::bytes;
use cronozen_webhook::diagnosis::{Diagnosis, MAX_WORK_BYTES, diagnose};
use proptest::collection::vec;
use proptest::prelude::*;

fn secret() -> impl Strategy<Value = String> {
    "whsec_[0-9a-f]{32}"
}

/// Returns the configured text, the key that signs, and the codes.
fn with_mistake_of_secret(secret: &str, mistake: usize) -> (String, Vec<u8>, Vec<&'static str>) {
    let rest = &secret["whsec_".len()..];
    let signer = |key: &str, code| (secret.to_owned(), key.as_bytes().to_vec(), vec![code]);
    let receiver = |text: String, codes| (text, secret.as_bytes().to_vec(), codes);
    let (white_space, quoted) = ("secret_white_space", "secret_quoted");
    match mistake {
        0 => receiver(secret.to_owned(), vec![]),
        1 => receiver(format!(" {secret}\n"), vec![white_space]),
        2 => receiver(format!("\"{secret}\""), vec![quoted]),
        3 => receiver(format!("'{secret}'\r\n"), vec![white_space, quoted]),
        4 => receiver(format!("\u{feff}{secret}"), vec!["secret_invisible_character"]),
        5 => receiver(rest.to_owned(), vec!["secret_prefix_removed"]),
        6 => receiver(format!("whsec_other {secret}"), vec!["secret_list"]),
        7 => signer(&format!("{secret}\n"), white_space),
        8 => signer(&format!("{secret}\r\n"), white_space),
        9 => signer(&format!("{secret} "), white_space),
        10 => signer(&format!("\"{secret}\""), quoted),
        11 => signer(&format!("'{secret}'"), quoted),
        12 => signer(rest, "secret_prefix_removed"),
        _ => (secret.to_owned(), bytes(rest), vec!["secret_decoded"]),
    }
}

/// Returns the received body, the signed one, and the code if they differ.
fn with_mistake_of_body(body: &str, mistake: usize) -> (Vec<u8>, Vec<u8>, Option<&'static str>) {
    let body = body.replace('\r', " ");
    let value: Option<serde_json::Value> = serde_json::from_str(&body).ok();
    let spaced = value.as_ref().map_or(body.clone(), |value| value.to_string());
    let pretty = value.map_or(body.clone(), |value| format!("{value:#}"));
    let (received, signed, code) = match mistake {
        0 => (body.clone(), body, ""),
        1 => (format!("{body}\n"), body, "body_trailing_newline"),
        2 => (body.clone(), format!("{body}\r\n"), "body_trailing_newline"),
        3 => (body.replace('\n', "\r\n"), body, "body_line_breaks"),
        4 => (body.clone(), body.replace('\n', "\r\n"), "body_line_breaks"),
        5 => (format!("\u{feff}{body}"), body, "body_byte_order_mark"),
        6 => (body.clone(), format!("\u{feff}{body}"), "body_byte_order_mark"),
        7 => (body.bytes().map(char::from).collect(), body, "body_latin1"),
        8 => (body, String::new(), "body_empty"),
        9 => (spaced, pretty, "body_reserialised"),
        10 => (pretty, spaced, "body_reserialised"),
        _ => (body.clone(), format!("1700000000.{body}"), "body_timestamped"),
    };
    let code = (received != signed).then_some(code);
    (received.into_bytes(), signed.into_bytes(), code)
}

/// Returns the header, and the codes of its mistakes.
fn with_mistake_of_header(digits: &str, mistake: usize) -> (String, Vec<&'static str>) {
    match mistake {
        0 => (digits.to_owned(), vec![]),
        1 => (format!("sha256={digits}"), vec!["signature_prefix"]),
        2 => (digits.to_uppercase(), vec!["signature_upper_case"]),
        3 => (format!(" '{digits}'\n"), vec!["signature_surrounded"]),
        4 => (base64(&bytes(digits)), vec!["signature_base64"]),
        _ => (format!("t=1700000000,v1={digits}"), vec!["signature_prefix"]),
    }
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let sextets =
        bits.as_bytes().chunks(6).map(|six| format!("{:0<6}", str::from_utf8(six).unwrap()));
    sextets.map(|six| char::from(alphabet[usize::from_str_radix(&six, 2).unwrap()])).collect()
}

fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings().iter().map(|finding| finding.code()).collect()
}

/// Asserts what holds for every diagnosis.
fn check(
    diagnosis: &Diagnosis,
    body: &[u8],
    header: Option<&[u8]>,
    secrets: &[String],
) -> Result<(), TestCaseError> {
    prop_assert!(diagnosis.work() <= MAX_WORK_BYTES);
    let mut text = format!("{diagnosis:?}");
    for finding in diagnosis.findings() {
        text += &format!("\n{} {} {}", finding.code(), finding.mistake(), finding.cure());
    }
    if let Some(proof) = diagnosis.proof() {
        text += &format!("\n{proof}");
        let expected = sign(&proof.body(body), &*proof.key(secrets));
        prop_assert_eq!(proof.signature().to_string(), &*expected);
        prop_assert!(!text.contains(&expected[..12]), "{}", text);
    }
    // Shorter ones could occur by chance.
    let secrets = secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= 20);
    let header =
        header.and_then(|header| str::from_utf8(header).ok()).filter(|header| header.len() >= 20);
    for part in secrets.chain(header) {
        prop_assert!(!text.contains(part), "{}", text);
    }
    Ok(())
}

/// Text that is nearly JSON, random bytes, and JSON that is deep or long.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let nearly =
        "[\\{\\}\\[\\]\":,a\\\\u0dI 1\r\n\u{e9}\u{feff}]{0,24}".prop_map(String::into_bytes);
    let deep =
        (0..400usize).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    prop_oneof![
        nearly,
        vec(any::<u8>(), 0..60),
        event().prop_map(|(body, _)| body.into_bytes()),
        deep.prop_map(String::into_bytes),
    ]
}

fn any_header() -> impl Strategy<Value = Option<Vec<u8>>> {
    let text = prop_oneof![
        "[ \"']{0,2}([a-z0-9]{1,6}[=:])?[0-9a-fA-F]{62,66}[ \"'=]{0,2}",
        "(t=[0-9]{0,22},)?(v1=)?[0-9a-zA-Z+/_-]{42,44}=?",
        "[0-9a-f]{64}",
        "\\PC{0,12}",
    ];
    prop_oneof![
        Just(None),
        vec(any::<u8>(), 0..80).prop_map(Some),
        text.prop_map(|text| Some(text.into_bytes())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_right_signature_has_no_finding(body in any_body(), newer in secret(), older in secret()) {
        let secrets = [newer, older];
        for (position, secret) in secrets.iter().enumerate() {
            let header = sign(&body, secret);
            let diagnosis = diagnose(&body, Some(header.as_bytes()), &secrets);
            prop_assert_eq!(diagnosis.verified(), Some(position));
            prop_assert_eq!(codes(&diagnosis), [vec![], vec!["secret_previous"]][position].clone());
            check(&diagnosis, &body, Some(header.as_bytes()), &secrets)?;
        }
    }

    #[test]
    fn every_combination_of_mistakes_is_found(
        (body, _) in event(),
        secret in secret(),
        of_header in 0..6usize,
        of_secret in 0..14usize,
        of_body in 0..12usize,
    ) {
        let (configured, key, mut secret_codes) = with_mistake_of_secret(&secret, of_secret);
        // Only a header with t= has the time stamp.
        let of_body = if of_body == 11 && of_header != 5 { 0 } else { of_body };
        let (received, signed, code) = with_mistake_of_body(&body, of_body);
        let (header, mut expected) = with_mistake_of_header(&sign(&signed, key), of_header);
        expected.append(&mut secret_codes);
        expected.extend(code);
        let secrets = [configured];
        let diagnosis = diagnose(&received, Some(header.as_bytes()), &secrets);
        prop_assert_eq!(diagnosis.verified(), expected.is_empty().then_some(0));
        prop_assert_eq!(codes(&diagnosis), expected);
        check(&diagnosis, &received, Some(header.as_bytes()), &secrets)?;
    }

    #[test]
    fn no_input_panics(body in any_body(), header in any_header(), secrets in vec("[ \n\"'\u{feff}]{0,2}(A=)?(whsec_)?[0-9a-zA-Z]{0,40}[ ,\n\"']{0,2}[0-9a-z]{0,9}", 0..3)) {
        let diagnosis = diagnose(&body, header.as_deref(), &secrets);
        prop_assert!(!diagnosis.findings().is_empty());
        check(&diagnosis, &body, header.as_deref(), &secrets)?;
    }
}
