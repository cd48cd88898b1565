//! The envelope: the event that is read from any bytes is the one that an independent reader of JSON finds, with the last
//! value of a repeated key.
//!
//! Input: the signed body.

#![no_main]

use cronozen_fuzz::json;
use cronozen_webhook::event::{Event, EventError, MAX_EVENT_ID_BYTES};
use cronozen_webhook::signature::Secrets;
use cronozen_webhook::time::Timestamp;
use libfuzzer_sys::fuzz_target;

/// The fields of an event: the decoded id, and the type and `createdAt` in JSON form.
#[derive(Debug, PartialEq)]
struct Envelope<'body> {
    id: String,
    event_type: Option<&'body str>,
    created_at: Option<&'body str>,
}

/// The ways in which a body is not an event. Places are not compared.
#[derive(Debug, PartialEq)]
enum Refusal {
    NotUtf8(usize),
    NotAnObject,
    NotJson,
    IdMissing,
    IdNotAString,
    IdNotUnicode,
    IdEmpty,
    IdTooLong(usize),
    IdControlCharacter,
}

fuzz_target!(|body: &[u8]| {
    let secrets = Secrets::parse("whsec_test").unwrap();
    let verified = secrets.verify(body, secrets.sign(body)).unwrap();
    let event = Event::read(verified);
    let found = event.as_ref().map_err(|error| refusal(*error)).map(|event| Envelope {
        id: event.id().as_str().to_owned(),
        event_type: event.event_type().map(cronozen_webhook::event::JsonString::json),
        created_at: event.created_at().map(cronozen_webhook::event::JsonString::json),
    });
    assert_eq!(found, expected(body));
    if let Ok(event) = event {
        assert_eq!(event.text().as_bytes(), body);
        check_values(&event);
    }
});

/// Reads a body without the code under test.
fn expected(body: &[u8]) -> Result<Envelope<'_>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| Refusal::NotUtf8(error.valid_up_to()))?;
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err(Refusal::NotAnObject);
    }
    let members = json::members(text);
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        assert!(members.is_some(), "the reader of the target is too strict");
    }
    let members = members.ok_or(Refusal::NotJson)?;
    let id = json::last(&members, "eventId").ok_or(Refusal::IdMissing)?;
    let id = json::string(id).ok_or(Refusal::IdNotAString)?;
    let id = String::from_utf16(&id).map_err(|_| Refusal::IdNotUnicode)?;
    if id.is_empty() {
        return Err(Refusal::IdEmpty);
    }
    if id.len() > MAX_EVENT_ID_BYTES {
        return Err(Refusal::IdTooLong(id.len()));
    }
    if id.contains(|character| matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}')) {
        return Err(Refusal::IdControlCharacter);
    }
    let string = |name| json::last(&members, name).filter(|value| value.starts_with('"'));
    let event_type = string("type").or_else(|| string("event")).or_else(|| string("eventType"));
    Ok(Envelope { id, event_type, created_at: string("createdAt") })
}

fn refusal(error: EventError) -> Refusal {
    match error {
        EventError::NotUtf8 { position } => Refusal::NotUtf8(position),
        EventError::NotAnObject => Refusal::NotAnObject,
        EventError::NotJson { .. } => Refusal::NotJson,
        EventError::IdMissing => Refusal::IdMissing,
        EventError::IdNotAString => Refusal::IdNotAString,
        EventError::IdNotUnicode => Refusal::IdNotUnicode,
        EventError::IdEmpty => Refusal::IdEmpty,
        EventError::IdTooLong { found } => Refusal::IdTooLong(found),
        EventError::IdControlCharacter => Refusal::IdControlCharacter,
        other => panic!("{other:?}"),
    }
}

/// Checks the decoded values.
fn check_values(event: &Event<'_>) {
    for value in event.event_type().into_iter().chain(event.created_at()) {
        let decoded = json::string(value.json()).unwrap();
        assert_eq!(value.decode(), String::from_utf16(&decoded).ok());
    }
    if let Some(created) = event.created() {
        let written = created.to_string();
        // An offset from UTC can lead to a year that RFC 3339 cannot write, such as 10000.
        if written.starts_with(|first: char| first.is_ascii_digit()) {
            assert_eq!(Timestamp::parse_rfc3339(&written), Some(created), "{written}");
        }
    }
}
