//! Properties of every input: nothing panics, only the exact forms are accepted, and a message gives the signed bytes
//! back.

use crate::signing::{hex, sign};
use cronozen_webhook::event::{Event, EventError};
use cronozen_webhook::message::queued::QueuedMessage;
use cronozen_webhook::message::{Dedupe, MAX_MESSAGE_BYTES, Message, Window};
use cronozen_webhook::signature::{Secrets, Signature, SignatureError};
use cronozen_webhook::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

const SECRET: &str = "whsec_test";

fn read(body: &[u8]) -> Result<Event<'_>, EventError> {
    let signature = Signature::parse(Some(sign(body, SECRET).as_bytes())).unwrap();
    Event::read(Secrets::parse(SECRET).unwrap().verify(body, signature).unwrap())
}

/// A header in three parts: signatures in forms that other senders use, with something around them.
fn header_parts() -> impl Strategy<Value = (String, String, String)> {
    let digits = prop_oneof![
        "[0-9a-f]{60,66}",
        "[0-9A-F]{60,66}",
        "[0-9a-zA-Z+/_-]{40,45}",
        // Not letters alone: words of the text could occur by chance.
        "[0-9\u{e9}\u{1f512}]{10,64}",
    ];
    let start = prop_oneof![Just(String::new()), "[a-zA-Z0-9]{1,8}=", "\\PC{0,4}"];
    let end = prop_oneof![Just(String::new()), Just("=".to_owned()), "\\PC{0,4}"];
    (start, digits, end)
}

/// Any JSON value, a few levels deep, as text.
fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| serde_json::to_string(&value).unwrap()),
        json_string(),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(", "))),
            vec((json_string(), inner), 0..4).prop_map(|fields| object(&fields)),
        ]
    })
}

fn json_string() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\ud800""#.to_owned()),
        Just(r#"",\"event\":{""#.to_owned()),
    ]
}

fn object(fields: &[(String, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", fields.join(",\n"))
}

/// A body that is an event, with the event's id.
pub fn event() -> impl Strategy<Value = (String, String)> {
    let id =
        "\\PC{1,60}".prop_filter("no control characters", |id| !id.chars().any(char::is_control));
    let key = prop_oneof![
        json_string(),
        prop_oneof![Just("type"), Just("event"), Just("eventType"), Just("createdAt")]
            .prop_map(|key| format!("{key:?}")),
    ];
    let fields = vec((key, json_value()), 0..6);
    let space = "[ \t\r\n]{0,3}";
    (id, fields, 0..6usize, space).prop_map(|(id, mut fields, position, space)| {
        fields.retain(|(key, _)| key != r#""eventId""#);
        let field = (r#""eventId""#.to_owned(), serde_json::to_string(&id).unwrap());
        fields.insert(position.min(fields.len()), field);
        (format!("{space}{}{space}", object(&fields)), id)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_header_in_any_other_form_is_refused(value in vec(any::<u8>(), 0..80)) {
        let exact = value.len() == 64 && value.iter().all(|byte| b"0123456789abcdef".contains(byte));
        prop_assert_eq!(Signature::parse(Some(&value)).is_ok(), exact);
    }

    #[test]
    fn no_error_of_a_header_contains_the_header((start, digits, end) in header_parts()) {
        let header = format!("{start}{digits}{end}");
        if let Err(error) = Signature::parse(Some(header.as_bytes())) {
            let text = error.to_string();
            prop_assert!(text.starts_with("signature malformed: "), "{}", text);
            // Six digits in a row are enough to recognise the signature.
            let six = digits.as_bytes().windows(6).find(|six| text.as_bytes().windows(6).any(|part| part == *six));
            prop_assert_eq!(six, None, "{}", text);
        }
    }

    #[test]
    fn every_header_in_the_exact_form_is_accepted(bytes in any::<[u8; 32]>()) {
        let signature = Signature::parse(Some(hex(&bytes).as_bytes())).unwrap();
        prop_assert_eq!(signature.to_string(), hex(&bytes));
    }

    #[test]
    fn no_error_of_a_secret_contains_the_secret(before in "[ \\t\"'`\u{200b}\u{e9}]{0,3}", secret in "[0-9A-Z]{6,40}", after in "\\PC{0,3}") {
        let text = format!("{before}{secret}{after}");
        for result in [Secrets::new(&[&text]), Secrets::parse(&text)] {
            if let Err(error) = result {
                prop_assert!(!format!("{error} {error:?}").contains(&secret), "{}", error);
            }
        }
    }

    #[test]
    fn one_altered_character_is_never_accepted(position in 0..64usize, character in any::<u8>()) {
        let mut header = sign(b"body", SECRET).into_bytes();
        prop_assume!(header[position] != character);
        header[position] = character;
        let secrets = Secrets::parse(SECRET).unwrap();
        let verified = Signature::parse(Some(&header)).and_then(|s| secrets.verify(b"body", s).map(drop));
        let hexadecimal = matches!(character, b'0'..=b'9' | b'a'..=b'f');
        prop_assert_eq!(verified.is_err_and(|error| error == SignatureError::Mismatch), hexadecimal);
    }

    #[test]
    fn one_altered_bit_of_the_body_is_never_accepted(body in vec(any::<u8>(), 1..200), bit in any::<prop::sample::Index>()) {
        let signature = Signature::parse(Some(sign(&body, SECRET).as_bytes())).unwrap();
        let secrets = Secrets::parse(SECRET).unwrap();
        prop_assert!(secrets.verify(&body, signature).is_ok());
        let bit = bit.index(body.len() * 8);
        let mut altered = body;
        altered[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(secrets.verify(&altered, signature).is_err());
    }

    #[test]
    fn no_body_panics(body in vec(any::<u8>(), 0..200)) {
        let _either = read(&body);
    }

    /// Text that is nearly JSON reaches further into the reader than random bytes.
    #[test]
    fn a_body_is_an_event_only_if_it_is_a_json_object(body in "[\\{\\}\\[\\]\":,ev\\\\u0dI 1\n]{0,24}") {
        let body = body.replace("ev", "\"eventId\":\"e\"");
        let valid = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&body);
        if let Ok(event) = read(body.as_bytes()) {
            let id = event.id().as_str().to_owned();
            // serde_json's strings cannot hold lone surrogates, which are valid JSON.
            if !body.contains("\\u") {
                let valid = valid.unwrap();
                prop_assert_eq!(valid["eventId"].as_str(), Some(id.as_str()));
            }
        }
    }

    #[test]
    fn a_message_is_json_and_gives_the_exact_body_back((body, id) in event(), key_window in 0..3usize) {
        let event = read(body.as_bytes()).unwrap();
        prop_assert_eq!(event.id().as_str(), &id);
        let window = [Window::Inside, Window::Outside, Window::Unknown][key_window];
        for dedupe in [Dedupe::New, Dedupe::Unknown] {
            let message = Message::new(&event, Timestamp::from_millis(0), window).unwrap();
            let shown = format!("{message:?}");
            prop_assert!(shown.contains("Message") && !shown.contains("signature"), "{}", shown);
            let word = dedupe.as_str();
            let joined = format!("{}{word}{}", message.before_dedupe(), message.after_dedupe());
            let text = message.with_dedupe(dedupe);
            prop_assert_eq!(&text, &joined);
            prop_assert!(text.len() <= MAX_MESSAGE_BYTES);

            let start = text.find(r#","event":"#).unwrap() + r#","event":"#.len();
            let cut_out = text[start..].strip_suffix('}').unwrap();
            prop_assert_eq!(cut_out, &body);
            let signature = &text[start - 74..start - 10];
            prop_assert_eq!(signature, sign(cut_out.as_bytes(), SECRET));

            let queued = QueuedMessage::parse(&text).unwrap();
            let verified = queued.verify(&Secrets::parse(SECRET).unwrap()).unwrap();
            prop_assert_eq!(verified.text(), &body);
            prop_assert_eq!(queued.event_id(), event.id());
            prop_assert_eq!((queued.dedupe(), queued.window()), (dedupe, window));

            // Lone surrogates are valid JSON. serde_json can skip them, but its strings cannot hold them.
            serde_json::from_str::<serde::de::IgnoredAny>(&text).unwrap();
            if !text.contains("\\ud800") {
                let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                let event: serde_json::Value = serde_json::from_str(&body).unwrap();
                prop_assert_eq!(&message["event"], &event);
                prop_assert_eq!(message["eventId"].as_str(), Some(id.as_str()));
                let types = ["type", "event", "eventType"].map(|name| event[name].as_str());
                prop_assert_eq!(message["type"].as_str(), types.into_iter().flatten().next());
                prop_assert_eq!(message["createdAt"].as_str(), event["createdAt"].as_str());
            }
        }
    }

    #[test]
    fn no_message_on_the_queue_panics(before in "[\\{\"v1:,e]{0,12}", cut in any::<prop::sample::Index>(), after in any::<String>()) {
        let event = read(br#"{"eventId":"e"}"#).unwrap();
        let message = Message::new(&event, Timestamp::from_millis(0), Window::Inside).unwrap();
        let text = message.with_dedupe(Dedupe::New);
        let _either = QueuedMessage::parse(&format!("{before}{}{after}", &text[cut.index(text.len())..]));
    }

    #[test]
    fn no_timestamp_panics(text in "\\PC{0,40}", millis in any::<i64>()) {
        let _either = Timestamp::parse_rfc3339(&text);
        prop_assert!(!Timestamp::from_millis(millis).to_string().is_empty());
    }
}
