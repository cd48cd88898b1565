//! The diagnosis: a proof holds for a signature that is computed apart from it, a usual mistake is found, the work is
//! bounded, and no text quotes a secret or a signature.
//!
//! Input: a byte for the signer's mistake, which may also repeat the body, and one for the header's form; the secrets in
//! lines up to a byte 0xFF, the header up to another one, the body. The header is used if its form is not one of those
//! that are computed.

#![no_main]

use cronozen_fuzz::signing::sign;
use cronozen_webhook::diagnosis::{Diagnosis, Finding, MAX_WORK_BYTES, Mistake, diagnose};
use cronozen_webhook::signature::Secrets;
use libfuzzer_sys::fuzz_target;

/// A body up to this length is searched for all simple mistakes with every key, within the limit on work.
const MAX_SEARCHED_BYTES: usize = 512;

/// The least byte for the mistake with which the body is repeated.
const LARGE: u8 = 0xFA;
const LARGE_BYTES: usize = 128 * 1024;

fuzz_target!(|data: &[u8]| {
    let [mistake, form, rest @ ..] = data else { return };
    let mut parts = rest.splitn(3, |byte| *byte == 0xFF);
    let mut part = || parts.next().unwrap_or_default();
    let (secrets, header, body) = (part(), part(), part());
    let body = &if *mistake < LARGE { body.to_vec() } else { enlarge(body) };
    let Ok(secrets) = std::str::from_utf8(secrets) else { return };
    let secrets: Vec<String> = secrets.lines().map(str::to_owned).collect();

    let signer = secrets.first().map_or("", String::as_str);
    let signed = sign_with_mistake(*mistake, signer, body);
    let computed = in_form(*form, &signed);
    let header = computed.as_deref().unwrap_or(header);
    let header = (*form != 0xFF).then_some(header);

    let diagnosis = diagnose(body, header, &secrets);
    check(&diagnosis, body, header, &secrets);
    let is_usable = Secrets::new(&secrets).is_ok() && !signer.is_empty();
    if computed.is_some() && is_usable && body.len() <= MAX_SEARCHED_BYTES && !body.is_empty() {
        assert!(diagnosis.proof().is_some(), "mistake {mistake}, form {form}: {diagnosis:?}");
    }
});

/// Repeats a body in an array, so that its search exceeds the limit on work.
fn enlarge(body: &[u8]) -> Vec<u8> {
    let times = LARGE_BYTES / (body.len() + 1);
    [b"[".as_slice(), &vec![body; times].join(&b','), b"]"].concat()
}

/// Signs as a sender that makes a mistake with the key or the body.
fn sign_with_mistake(mistake: u8, secret: &str, body: &[u8]) -> String {
    let with = |before: &[u8], after: &[u8]| sign(&[before, body, after].concat(), secret);
    match mistake % 10 {
        1 => with(b"", b"\n"),
        2 => with(b"", b"\r\n"),
        3 => with("\u{feff}".as_bytes(), b""),
        4 => sign(body, format!("{secret}\n")),
        5 => sign(body, format!("{secret} ")),
        6 => sign(body, format!("\"{secret}\"")),
        7 => sign(
            body,
            secret.strip_prefix("whsec_").filter(|rest| !rest.is_empty()).unwrap_or(secret),
        ),
        8 => sign(b"", secret),
        _ => sign(body, secret),
    }
}

/// Writes a signature in a form in which other senders write it. Returns `None` for the last forms.
fn in_form(form: u8, digits: &str) -> Option<Vec<u8>> {
    let text = match form {
        0..0x40 => digits.to_owned(),
        0x40..0x60 => format!("sha256={digits}"),
        0x60..0x70 => digits.to_uppercase(),
        0x70..0x80 => format!(" '{digits}'\n"),
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Checks what holds for every diagnosis.
fn check(diagnosis: &Diagnosis, body: &[u8], header: Option<&[u8]>, secrets: &[String]) {
    assert!(diagnosis.work() <= MAX_WORK_BYTES);
    check_verified(diagnosis, body, header, secrets);
    let mut texts = vec![format!("{diagnosis:?}")];
    for finding in diagnosis.findings() {
        texts.extend([finding.mistake().to_string(), finding.cure().to_owned()]);
        if let Some(proof) = finding.proof() {
            let whole =
                diagnosis.proof().expect("a finding is proven only by the diagnosis's proof");
            assert_eq!(proof.to_string(), whole.to_string());
        }
    }
    texts.extend(diagnosis.proof().map(ToString::to_string));
    let text = texts.join("\n");
    if let Some(proof) = diagnosis.proof() {
        assert!(proof.position() < secrets.len());
        let expected = sign(&proof.body(body), &*proof.key(secrets));
        assert_eq!(proof.signature().to_string(), expected, "the HMAC is another one");
        assert!(!text.contains(&expected[..12]), "quotes the signature: {text}");
    }
    // Shorter ones could occur by chance.
    let secrets = secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= 20);
    for secret in secrets.filter(|secret| has_digit(secret)) {
        assert!(!text.contains(secret), "quotes a secret: {text}");
    }
}

/// The verifier's answer, computed apart from it.
fn check_verified(diagnosis: &Diagnosis, body: &[u8], header: Option<&[u8]>, secrets: &[String]) {
    let is_signer = |secret: &String| header == Some(sign(body, secret).as_bytes());
    let signer = secrets.iter().position(is_signer).filter(|_| Secrets::new(secrets).is_ok());
    assert_eq!(diagnosis.verified(), signer);
    assert!(signer.is_some() || !diagnosis.findings().is_empty(), "nothing is found");
    if signer == Some(0) {
        // Another secret may look like a list or an assignment.
        let is_of_another = |finding: &Finding| match finding.mistake() {
            Mistake::SecretList { position, .. } | Mistake::SecretAssignment { position } => {
                position > 0
            }
            _ => false,
        };
        assert!(diagnosis.findings().iter().all(is_of_another), "{diagnosis:?}");
    }
}

/// Returns true for a secret with a digit. One without may be a part of our own texts, so it is exempt.
fn has_digit(secret: &str) -> bool {
    secret.bytes().any(|byte| byte.is_ascii_digit())
}
