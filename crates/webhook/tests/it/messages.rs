//! Tests of `QueuedMessage` with the queue messages that all languages share.

use cronozen_webhook::event::JsonString;
use cronozen_webhook::message::queued::{QueuedBody, QueuedError, QueuedMessage};
use cronozen_webhook::signature::Secrets;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    secret: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    message: String,
    body: Option<String>,
    expected: ExpectedResult,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExpectedResult {
    Error(String),
    MessageSummary(Box<MessageSummary>),
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
struct MessageSummary {
    event_id: String,
    type_json: Option<String>,
    created_at_json: Option<String>,
    received_at: String,
    key: u8,
    dedupe: String,
    window: String,
    signature: String,
    body_key: Option<String>,
    body_sha256: Option<String>,
    body_bytes: Option<u64>,
    event: String,
}

fn file() -> File {
    let file: File =
        serde_json::from_str(include_str!("../../../../tests/vectors/messages.json")).unwrap();
    assert!(file.vectors.len() > 10, "a file of few vectors tests little");
    file
}

fn read_and_verify(
    message: &str,
    body: Option<&str>,
    secrets: &Secrets,
) -> Result<MessageSummary, QueuedError> {
    let message = QueuedMessage::parse(message)?;
    let json = |string: Option<JsonString<'_>>| string.map(|string| string.json().to_owned());
    let (stored, event) = match message.body() {
        QueuedBody::Inline(_) => (None, message.verify(secrets)?),
        QueuedBody::Stored { key, sha256, bytes } => {
            assert_eq!(message.verify(secrets).err(), Some(QueuedError::BodyStored));
            let body = body.expect("a stored body");
            let stored = (key.clone(), sha256.clone(), *bytes);
            (Some(stored), message.verify_body(body.as_bytes(), secrets)?)
        }
    };
    assert_eq!(event.id(), message.event_id());
    let (body_key, body_sha256, body_bytes) = stored
        .map_or((None, None, None), |(key, sha256, bytes)| (Some(key), Some(sha256), Some(bytes)));
    Ok(MessageSummary {
        event_id: message.event_id().to_string(),
        type_json: json(message.event_type()),
        created_at_json: json(message.created_at()),
        received_at: message.received_at().to_string(),
        key: message.key(),
        dedupe: message.dedupe().as_str().to_owned(),
        window: message.window().as_str().to_owned(),
        signature: message.signature().to_string(),
        body_key,
        body_sha256,
        body_bytes,
        event: event.text().to_owned(),
    })
}

#[test]
fn every_shared_message_gives_the_expected_result() {
    let File { secret, vectors } = file();
    let secrets = Secrets::parse(&secret).unwrap();
    for Vector { name, message, body, expected } in vectors {
        let result = read_and_verify(&message, body.as_deref(), &secrets);
        match expected {
            ExpectedResult::Error(code) => {
                assert_eq!(result.expect_err(&name).code(), code, "{name}");
            }
            ExpectedResult::MessageSummary(expected) => {
                assert_eq!(result.expect(&name), *expected, "{name}")
            }
        }
    }
}

#[test]
fn a_message_verifies_with_any_of_the_secrets() {
    let File { secret, vectors } = file();
    let message = QueuedMessage::parse(&vectors[0].message).unwrap();
    let verify = |secrets: &str| message.verify(&Secrets::parse(secrets).unwrap());
    assert_eq!(verify(&format!("whsec_newer {secret}")).unwrap().verified().key(), 1);
    assert_eq!(verify("whsec_newer").unwrap_err().code(), "signature_mismatch");
}

#[test]
fn debug_and_errors_of_a_message_show_no_event_and_no_signature() {
    let file = file();
    for Vector { name, message, .. } in &file.vectors {
        match QueuedMessage::parse(message) {
            Ok(message) => {
                let shown = format!("{message:?}");
                assert!(
                    shown.starts_with("QueuedMessage") && !shown.contains("signature"),
                    "{name}"
                );
                if let Ok(event) = message.verify(&Secrets::parse(&file.secret).unwrap()) {
                    let shown = format!("{event:?}");
                    assert!(
                        shown.starts_with("Event {") && !shown.contains(event.text()),
                        "{name}: {shown}"
                    );
                }
            }
            Err(error) => assert!(!error.to_string().contains("evt_1"), "{name}: {error}"),
        }
    }
}

#[test]
fn a_message_without_a_usable_event_id_is_refused() {
    let message = &file().vectors[0].message;
    assert!(message.contains(r#""eventId":"evt_1","type""#));
    for id in ["".to_owned(), "x".repeat(257), r"a\u0000".to_owned(), r"\ud800".to_owned()] {
        let id = format!(r#""eventId":"{id}","type""#);
        let message = message.replacen(r#""eventId":"evt_1","type""#, &id, 1);
        assert_eq!(QueuedMessage::parse(&message).unwrap_err().code(), "not_a_message", "{id}");
    }
}

#[test]
fn a_message_with_another_key_or_length_than_a_gateway_stores_is_refused() {
    let file = file();
    let stored = file.vectors.iter().find(|vector| vector.name == "stored body").unwrap();
    for (from, to) in [
        (r#""bodyKey":"bodies/"#, r#""bodyKey":"other/"#),
        (r#""bodyBytes":"#, r#""bodyBytes":9999"#),
    ] {
        assert!(QueuedMessage::parse(&stored.message).is_ok());
        let message = stored.message.replacen(from, to, 1);
        let error = QueuedMessage::parse(&message).unwrap_err();
        assert_eq!(error, QueuedError::BodyMismatch, "{to}");
    }
}

#[test]
fn a_message_with_a_stored_body_over_1_mib_is_refused() {
    let file = file();
    let stored = file.vectors.iter().find(|vector| vector.name == "stored body").unwrap();
    let (before, _) = stored.message.split_once(r#""bodyBytes":"#).unwrap();
    for (bytes, accepted) in [(1_048_576, true), (1_048_577, false)] {
        let message = format!(r#"{before}"bodyBytes":{bytes}}}"#);
        assert_eq!(QueuedMessage::parse(&message).is_ok(), accepted, "{bytes}");
    }
}
