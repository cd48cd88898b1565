//! The message on the queue: what the gateway writes, the reader reads back byte for byte; a message that was changed
//! never yields another event than the signed one; and any text that the reader accepts is composed again from what was
//! read.
//!
//! Input: four bytes of options and four of an edit, then the body, or the text of the message. Some options fill the body
//! with white space, up to the limit on a message.

#![no_main]

use cronozen_fuzz::json;
use cronozen_fuzz::signing::{hex, sign};
use cronozen_webhook::event::{Event, JsonString};
use cronozen_webhook::message::queued::{QueuedBody, QueuedError, QueuedMessage};
use cronozen_webhook::message::{Dedupe, MAX_MESSAGE_BYTES, Message, Window};
use cronozen_webhook::signature::{Secrets, Signature};
use cronozen_webhook::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const SECRETS: [&str; 2] = ["whsec_newest", "whsec_older"];
const MAX_STORED_BODY_BYTES: u64 = 1 << 20;

/// The lower digit of the first byte of the inputs whose bodies are enlarged.
const LARGE: u8 = 0xF;

/// The first bytes of an input.
#[derive(Clone, Copy)]
struct Options {
    stored: bool,
    signer: usize,
    dedupe: Dedupe,
    window: Window,
    received_at: Timestamp,
    edit: Edit,
}

/// A change of a message: some bytes at a place are replaced.
#[derive(Clone, Copy)]
struct Edit {
    place: usize,
    removed: usize,
    inserted: &'static str,
}

fuzz_target!(|data: &[u8]| {
    let Some((options, rest)) = data.split_first_chunk::<8>() else { return };
    let [kind, choices, hours, days, edit @ ..] = *options;
    if kind >= 0xC0 {
        if let Ok(text) = std::str::from_utf8(rest) {
            check_any_text(text);
        }
        return;
    }
    let hour = 3_600_000_i64;
    let received_at =
        i64::from(hours) * hour + i64::from(days) * 1000 * 24 * hour + i64::from(choices);
    let options = Options {
        stored: kind >= 0x80,
        signer: usize::from(choices & 1),
        dedupe: [Dedupe::New, Dedupe::Unknown][usize::from(choices >> 1 & 1)],
        window: [Window::Inside, Window::Outside, Window::Unknown][usize::from(choices >> 2) % 3],
        received_at: Timestamp::from_millis(received_at),
        edit: edit_of(edit),
    };
    if kind % 16 == LARGE {
        check_round_trip(&options, &enlarge(rest, choices));
    } else {
        check_round_trip(&options, rest);
    }
});

/// Fills a body with white space. Its message is near the limit, above or below.
fn enlarge(body: &[u8], choices: u8) -> Vec<u8> {
    let mut large = body.to_vec();
    // The rest of a message takes about 230 bytes.
    let length = MAX_MESSAGE_BYTES - 600 + 4 * usize::from(choices);
    large.resize(length.max(body.len()), b' ');
    large
}

fn edit_of([place, high, removed, inserted]: [u8; 4]) -> Edit {
    const INSERTED: [&str; 12] = [
        "",
        "0",
        "\"",
        ",",
        "}",
        "{}",
        " ",
        "\\u0065",
        "\"event\":{},",
        ",\"event\":{\"eventId\":\"x\"}",
        "\"eventId\":\"x\",",
        "null",
    ];
    Edit {
        place: usize::from(place) + 256 * usize::from(high & 3),
        removed: removed.into(),
        inserted: INSERTED[usize::from(inserted) % INSERTED.len()],
    }
}

/// Writes the message of a body as the gateway does, and reads it.
fn check_round_trip(options: &Options, body: &[u8]) {
    let secrets = Secrets::new(&SECRETS).unwrap();
    let header = sign(body, SECRETS[options.signer]);
    let signature = Signature::parse(Some(header.as_bytes())).unwrap();
    let Ok(event) = Event::read(secrets.verify(body, signature).unwrap()) else { return };
    let Options { dedupe, window, received_at, .. } = *options;
    let message = if options.stored {
        let message = Message::with_stored_body(&event, received_at, window);
        message.map(|(message, stored)| {
            assert_eq!((stored.sha256(), stored.bytes()), (&*sha256(body), body.len()));
            message
        })
    } else {
        Message::new(&event, received_at, window)
    };
    // The limit holds for the longest result of the look-up.
    let longest = Options { dedupe: Dedupe::Unknown, ..*options };
    let fits = expected_text(&longest, body, &header, &event).len() <= MAX_MESSAGE_BYTES;
    assert_eq!(message.is_ok(), fits, "a body of {} bytes", body.len());
    let Ok(message) = message else { return };
    let text = message.with_dedupe(dedupe);
    assert_eq!(text, expected_text(options, body, &header, &event));

    let read = QueuedMessage::parse(&text).unwrap();
    assert_eq!(read.event_id(), event.id());
    assert_eq!(read.event_type().map(JsonString::json), event.event_type().map(JsonString::json));
    assert_eq!(read.created_at().map(JsonString::json), event.created_at().map(JsonString::json));
    assert_eq!(read.received_at(), received_at);
    assert_eq!(usize::from(read.key()), options.signer);
    assert_eq!((read.dedupe(), read.window()), (dedupe, window));
    assert_eq!(read.signature().to_string(), header);
    let verified = match read.body() {
        QueuedBody::Inline(event) => {
            assert_eq!(event.as_bytes(), body, "the body is not the same");
            read.verify(&secrets)
        }
        QueuedBody::Stored { key, sha256: digits, bytes } => {
            assert_eq!((digits, *bytes), (&sha256(body), body.len() as u64));
            assert_eq!(*key, format!("bodies/{digits}"));
            assert_eq!(read.verify(&secrets).err(), Some(QueuedError::BodyStored));
            let longer = [body, b" "].concat();
            assert_eq!(read.verify_body(&longer, &secrets).err(), Some(QueuedError::BodyMismatch));
            read.verify_body(body, &secrets)
        }
    };
    assert_eq!(verified.unwrap().text().as_bytes(), body);
    check_edited(&options.edit, &text, body, &secrets);
}

/// Composes the message by its documentation.
fn expected_text(options: &Options, body: &[u8], header: &str, event: &Event<'_>) -> String {
    let body_text = std::str::from_utf8(body).unwrap();
    let members = json::members(body_text).unwrap();
    let string = |names: &[&str]| {
        let values = names.iter().filter_map(|name| json::last(&members, name));
        let first = values.into_iter().find(|value| value.starts_with('"'));
        first.unwrap_or("null").to_owned()
    };
    let end = if options.stored {
        let sha256 = sha256(body);
        format!(
            "\"bodyKey\":\"bodies/{sha256}\",\"bodySha256\":\"{sha256}\",\"bodyBytes\":{}}}",
            body.len()
        )
    } else {
        format!("\"event\":{body_text}}}")
    };
    format!(
        "{{\"v\":1,\"eventId\":{},\"type\":{},\"createdAt\":{},\"receivedAt\":\"{}\",\"key\":{},\"dedupe\":\"{}\",\"window\":\"{}\",\"signature\":\"{header}\",{end}",
        serde_json::to_string(event.id().as_str()).unwrap(),
        string(&["type", "event", "eventType"]),
        string(&["createdAt"]),
        options.received_at,
        options.signer,
        options.dedupe.as_str(),
        options.window.as_str(),
    )
}

/// Changes a message. If the reader still verifies it, the event is the signed one, and the message names it.
fn check_edited(edit: &Edit, text: &str, body: &[u8], secrets: &Secrets) {
    let start = edit.place.min(text.len());
    let end = (start + edit.removed).min(text.len());
    let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else { return };
    let edited = format!("{before}{}{after}", edit.inserted);
    let Ok(read) = QueuedMessage::parse(&edited) else { return };
    let verified = match read.body() {
        QueuedBody::Inline(_) => read.verify(secrets),
        QueuedBody::Stored { .. } => read.verify_body(body, secrets),
    };
    let Ok(event) = verified else { return };
    assert_eq!(event.verified().body(), body, "another body verifies");
    assert_eq!(read.event_id(), event.id(), "the message names another event");
    assert_eq!(read.event_type().map(JsonString::json), event.event_type().map(JsonString::json));
    assert_eq!(read.created_at().map(JsonString::json), event.created_at().map(JsonString::json));
    check_any_text(&edited);
}

/// Reads any text. What was read is in the text, by an independent reader of JSON, and it is read again from a message
/// that is composed of it.
fn check_any_text(text: &str) {
    let Ok(read) = QueuedMessage::parse(text) else { return };
    let members = json::members(text).expect("a message is one valid JSON object");
    let member = |name| json::last(&members, name);
    let decoded =
        |name| member(name).and_then(json::string).map(|units| String::from_utf16(&units).unwrap());
    assert_eq!(member("v"), Some("1"));
    assert_eq!(decoded("eventId").as_deref(), Some(read.event_id().as_str()));
    assert_eq!(decoded("signature").as_deref(), Some(&*read.signature().to_string()));
    assert_eq!(decoded("dedupe").as_deref(), Some(read.dedupe().as_str()));
    assert_eq!(decoded("window").as_deref(), Some(read.window().as_str()));
    assert_eq!(member("key").unwrap().parse(), Ok(read.key()));
    let or_null =
        |string: Option<JsonString<'_>>| string.map_or("null", JsonString::json).to_owned();
    assert_eq!(member("type"), Some(&*or_null(read.event_type())));
    assert_eq!(member("createdAt"), Some(&*or_null(read.created_at())));

    let end = match read.body() {
        QueuedBody::Inline(event) => {
            assert!(text.contains(event));
            // A message with another `,"event":` before its event was not written by a gateway, and never verifies.
            if json::members(event).is_none() {
                return;
            }
            format!("\"event\":{event}")
        }
        QueuedBody::Stored { key, sha256, bytes } => {
            assert!(*bytes <= MAX_STORED_BODY_BYTES && *key == format!("bodies/{sha256}"));
            format!("\"bodyKey\":\"{key}\",\"bodySha256\":\"{sha256}\",\"bodyBytes\":{bytes}")
        }
    };
    let composed = format!(
        "{{\"v\":1,\"eventId\":{},\"type\":{},\"createdAt\":{},\"receivedAt\":\"{}\",\"key\":{},\"dedupe\":\"{}\",\"window\":\"{}\",\"signature\":\"{}\",{end}}}",
        serde_json::to_string(read.event_id().as_str()).unwrap(),
        or_null(read.event_type()),
        or_null(read.created_at()),
        decoded("receivedAt").unwrap(),
        read.key(),
        read.dedupe().as_str(),
        read.window().as_str(),
        read.signature(),
    );
    let again =
        QueuedMessage::parse(&composed).unwrap_or_else(|error| panic!("{error}: {composed}"));
    assert_eq!(again.body(), read.body());
    assert_eq!(again.event_id(), read.event_id());
    assert_eq!(or_null(again.event_type()), or_null(read.event_type()));
    assert_eq!(again.received_at(), read.received_at());
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
