//! Every row of the answers table.

use std::collections::BTreeMap;

use cronozen_gateway::log::{Level, Outcome};
use cronozen_gateway::receive::Request;
use cronozen_gateway::settings::ConfigError;
use cronozen_webhook::message::MAX_MESSAGE_BYTES;
use serde_json::json;

use crate::signing::sign;
use crate::world::{Behaviour, FakeBody, PATH, SECRET, Served, get, in_world, signed};

const EVENT: &str =
    r#"{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00Z"}"#;

#[test]
fn accepted_then_duplicate() {
    in_world(async |world| {
        let served = world.deliver(EVENT).await;
        assert_eq!(served.answer.status, 202);
        assert_eq!(served.answer.content_type, "application/json");
        assert_eq!(served.json(), json!({"status": "accepted", "eventId": "evt_1"}));
        assert_eq!(world.marked(), 1);
        assert_eq!(
            *world.queue.stored.borrow(),
            [format!(
                r#"{{"v":1,"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00Z","receivedAt":"2026-11-24T07:00:00.000Z","key":0,"dedupe":"new","window":"inside","signature":"{}","event":{EVENT}}}"#,
                sign(EVENT.as_bytes(), SECRET)
            )]
        );
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Info);
        assert_eq!(
            record.to_json(),
            r#"{"at":"2026-11-24T07:00:00.000Z","outcome":"accepted","code":"accepted","eventId":"evt_1","type":"payment.completed","bytes":81,"ms":15,"dedupe":"new","key":0,"address":"192.0.2.1","ray":"ray"}"#
        );

        let served = world.deliver(EVENT).await;
        assert_eq!(served.answer.status, 200);
        assert_eq!(served.json(), json!({"status": "duplicate", "eventId": "evt_1"}));
        assert_eq!(world.stored(), 1);
        assert_eq!(world.logged(), [Outcome::Accepted, Outcome::Duplicate]);
    });
}

#[test]
fn identity_is_the_id_alone() {
    in_world(async |world| {
        assert_eq!(world.deliver(r#"{"eventId":"evt_1","try":1}"#).await.answer.status, 202);
        assert_eq!(world.deliver(r#"{"eventId":"evt_1","try":2}"#).await.answer.status, 200);
        assert_eq!(world.deliver(r#"{"eventId":"EVT_1","try":1}"#).await.answer.status, 202);
    });
}

#[test]
fn any_active_secret_counts_and_its_position_is_told() {
    in_world(async |mut world| {
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_newest whsec_test");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.last_record().1.key, Some(1));
        assert!(world.queue.stored.borrow()[0].contains(r#""key":1,"#));
    });
}

#[test]
fn invalid_event() {
    in_world(async |world| {
        let served = world.deliver("[]").await;
        assert_eq!(served.outcome(), (400, "invalid_event".to_owned()));
        assert_eq!(served.answer.content_type, "application/problem+json");
        assert_eq!(
            served.json(),
            json!({
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "code": "invalid_event",
                "detail": "body malformed: not a JSON object"
            })
        );
        let served = world.deliver(r#"{"eventId":"a","x":}"#).await;
        assert_eq!(served.json()["detail"], "body malformed: not valid JSON at line 1, column 20");
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn invalid_signature_has_one_public_form_and_a_precise_log() {
    in_world(async |world| {
        let mut public = Vec::new();
        for (signature, reason) in [
            (None, "signature header missing: expected x-cronozen-signature"),
            (
                Some(String::new()),
                "signature malformed: 0 bytes (64 hexadecimal digits are expected)",
            ),
            (
                Some(sign(EVENT.as_bytes(), SECRET).to_uppercase()),
                "signature malformed: no lowercase hexadecimal digit at position",
            ),
            (
                Some(sign(EVENT.as_bytes(), "whsec_wrong")),
                "signature mismatch: the body was signed with none of the active secrets",
            ),
        ] {
            let mut request = signed(EVENT);
            request.signature = signature;
            let served = world.serve(request).await;
            assert_eq!(served.outcome(), (401, "invalid_signature".to_owned()));
            let (level, record) = world.last_record();
            assert_eq!(level, Level::Warn);
            assert!(record.reason.clone().unwrap().starts_with(reason), "{record:?}");
            assert_eq!(record.event_id, None, "nothing is read before the signature is good");
            public.push(served.answer.body);
        }
        public.dedup();
        assert_eq!(public.len(), 1, "a forger learns nothing from the answer");
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn an_unsigned_body_is_not_parsed() {
    in_world(async |world| {
        let mut request = signed("not JSON");
        request.signature = Some(sign(b"not JSON", "whsec_wrong"));
        assert_eq!(world.serve(request).await.answer.status, 401);
    });
}

#[test]
fn wrong_path_and_method() {
    in_world(async |world| {
        for path in ["/", "/webhooks/cronozen/", "/webhooks", "/Webhooks/cronozen", ""] {
            let mut request = signed(EVENT);
            request.path = Some(path.to_owned());
            assert_eq!(world.serve(request).await.outcome(), (404, "not_found".to_owned()));
        }
        let served = world.serve(get(PATH)).await;
        assert_eq!(served.outcome(), (405, "method_not_allowed".to_owned()));
        assert_eq!(served.answer.allow, Some("POST"));
        let mut request = signed(EVENT);
        request.path = Some("/healthz".to_owned());
        let served = world.serve(request).await;
        assert_eq!(served.outcome(), (405, "method_not_allowed".to_owned()));
        assert_eq!(served.answer.allow, Some("GET, HEAD"));
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn a_request_without_a_path_is_not_found_and_the_log_says_why() {
    in_world(async |world| {
        let served = world.serve(Request { path: None, ..signed(EVENT) }).await;
        assert_eq!(served.outcome(), (404, "not_found".to_owned()));
        assert_eq!(served.json()["detail"], "nothing is served at this path");
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Warn);
        let reason = "request URL invalid: the Host header does not make one";
        assert_eq!(record.reason.as_deref(), Some(reason));
    });
}

#[test]
fn another_path_can_be_set() {
    in_world(async |mut world| {
        world.set("WEBHOOK_PATH", "/hooks");
        assert_eq!(world.deliver(EVENT).await.answer.status, 404);
        let mut request = signed(EVENT);
        request.path = Some("/hooks".to_owned());
        assert_eq!(world.serve(request).await.answer.status, 202);
    });
}

#[test]
fn a_message_that_does_not_fit_is_an_error_of_ours_to_notice() {
    in_world(async |world| {
        // The id is repeated in the message with its quotes escaped.
        let quotes = "\\\"".repeat(256);
        let frame = format!(r#"{{"eventId":"{quotes}","data":""}}"#).len();
        let body = |size: usize| {
            format!(r#"{{"eventId":"{quotes}","data":"{}"}}"#, "x".repeat(size - frame))
        };
        let served = world.deliver(&body(127_000)).await;
        assert_eq!(served.outcome(), (413, "body_too_large".to_owned()));
        let (level, record) = world.last_record();
        let reason = record.reason.clone().unwrap();
        let bytes: usize = reason.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert_eq!(level, Level::Error);
        assert!(record.event_id.is_some());
        assert_eq!(world.stored() + world.marked(), 0);

        // The look-up fails, so that the message holds the longer of the two words.
        world.store.look.set(Behaviour::Fails(5));
        let fits = |message: usize| 127_000 - (bytes - message);
        assert_eq!(world.deliver(&body(fits(MAX_MESSAGE_BYTES + 1))).await.answer.status, 413);
        assert_eq!(world.deliver(&body(fits(MAX_MESSAGE_BYTES))).await.answer.status, 202);
        assert_eq!(world.queue.stored.borrow()[0].len(), MAX_MESSAGE_BYTES);
    });
}

#[test]
fn misconfigured() {
    in_world(async |mut world| {
        world.settings.clear();
        let served = world.deliver(EVENT).await;
        assert_eq!(served.outcome(), (500, "misconfigured".to_owned()));
        assert!(!served.answer.body.contains("CRONOZEN_SIGNING_SECRET"));
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Error);
        assert_eq!(
            record.reason.unwrap(),
            "CRONOZEN_SIGNING_SECRET: expected 1 to 8 secrets separated by white space, got none"
        );
    });
}

#[test]
fn a_blank_secret_never_verifies_an_empty_key() {
    in_world(async |mut world| {
        for blank in ["", " ", "\t\r\n "] {
            world.set("CRONOZEN_SIGNING_SECRET", blank);
            for key in ["", blank] {
                let mut request = signed(EVENT);
                request.signature = Some(sign(EVENT.as_bytes(), key));
                assert_eq!(world.serve(request).await.answer.status, 500);
            }
        }
        assert_eq!(world.stored(), 0);
    });
}

#[test]
fn a_bad_path_refuses_every_delivery() {
    in_world(async |mut world| {
        world.set("WEBHOOK_PATH", "hooks");
        assert_eq!(world.deliver(EVENT).await.answer.status, 500);
        assert!(world.last_record().1.reason.unwrap().starts_with("WEBHOOK_PATH: expected "));
    });
}

#[test]
fn a_missing_binding_refuses_every_delivery() {
    in_world(async |mut world| {
        world.missing_binding = Some(ConfigError {
            name: "EVENTS",
            expected: "a queue producer".to_owned(),
            found: "no such binding".to_owned(),
        });
        assert_eq!(world.deliver(EVENT).await.answer.status, 500);
        let reason = world.last_record().1.reason.unwrap();
        assert_eq!(reason, "EVENTS: expected a queue producer, got no such binding");
    });
}

#[test]
fn unavailable() {
    in_world(async |world| {
        world.queue.send.set(Behaviour::Fails(5));
        let served = world.deliver(EVENT).await;
        assert_eq!(served.outcome(), (503, "unavailable".to_owned()));
        assert_eq!(served.answer.retry_after, Some(30));
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Error);
        let reason = record.reason.unwrap();
        assert_eq!(reason, "queue send failed: out of order");
        assert_eq!(world.marked(), 0);
    });
}

#[test]
fn health() {
    in_world(async |mut world| {
        let served = world.serve(get("/healthz")).await;
        assert_eq!(served.answer.status, 200);
        assert_eq!(
            served.json(),
            json!({
                "status": "ok",
                "version": env!("CARGO_PKG_VERSION"),
                "dedupe": "kv",
                "maxBodyBytes": 127_000,
                "maxMessageBytes": 127_500
            })
        );

        world.settings.clear();
        world.set("DEADLINE_MS", "9000");
        world.set("WEBHOOK_PATH", "hooks");
        let served = world.serve(get("/healthz")).await;
        assert_eq!(served.outcome(), (500, "misconfigured".to_owned()));
        let json = served.json();
        let problems = json["problems"].as_array().unwrap();
        let names: Vec<&str> = problems.iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["WEBHOOK_PATH", "CRONOZEN_SIGNING_SECRET", "DEADLINE_MS"]);
        assert_eq!(problems[2]["expected"], "a whole number from 1000 to 4500");
        assert_eq!(problems[2]["found"], "9000");
        assert!(world.log.borrow().is_empty(), "a health check is no delivery");
    });
}

/// Each status has its own phrase in RFC 9110, which RFC 9457 wants as the title of a problem without a type of its own.
#[test]
fn problems_have_the_titles_of_their_statuses() {
    let mut titles = BTreeMap::new();
    let mut collect = |served: &Served| {
        assert_eq!(served.json()["type"], "about:blank");
        assert_eq!(served.json()["status"], served.answer.status);
        let title = served.json()["title"].as_str().unwrap().to_owned();
        titles.insert(served.answer.status, title);
    };
    in_world(async |mut world| {
        collect(&world.deliver("[]").await);
        collect(&world.serve(Request { signature: None, ..signed(EVENT) }).await);
        collect(&world.serve(get("/elsewhere")).await);
        collect(&world.serve(get(PATH)).await);
        collect(&world.serve(Request { body: FakeBody::default(), ..signed(EVENT) }).await);
        let content_length = Some("999999".to_owned());
        collect(&world.serve(Request { content_length, ..signed(EVENT) }).await);
        world.queue.send.set(Behaviour::Fails(5));
        collect(&world.deliver(EVENT).await);
        world.set("REPLAY", "refuse");
        collect(&world.deliver(r#"{"eventId":"e","createdAt":"2000-01-01T00:00:00Z"}"#).await);
        world.set("REPLAY", "never");
        collect(&world.deliver(EVENT).await);
    });
    let expected = [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (413, "Content Too Large"),
        (422, "Unprocessable Content"),
        (500, "Internal Server Error"),
        (503, "Service Unavailable"),
    ];
    assert_eq!(titles, expected.map(|(status, title)| (status, title.to_owned())).into());
}
