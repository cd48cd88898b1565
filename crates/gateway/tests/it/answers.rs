//! Every row of the table of answers in docs/reference.md.

use std::collections::BTreeMap;

use cronozen_gateway::log::{Level, Outcome};
use cronozen_gateway::receive::Request;

use cronozen_webhook::message::MAX_MESSAGE_BYTES;
use serde_json::json;

use crate::signing::sign;
use crate::world::{Behaviour, FakeBody, PATH, Reply, SECRET, get, in_world, signed};

const EVENT: &str =
    r#"{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00Z"}"#;

#[test]
fn a_new_event_is_accepted_and_its_retry_is_a_duplicate() {
    in_world(async |world| {
        let reply = world.deliver(EVENT).await;
        assert_eq!(reply.answer.status, 202);
        assert_eq!(reply.answer.content_type, "application/json");
        assert_eq!(reply.json(), json!({"status": "accepted", "eventId": "evt_1"}));
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

        let reply = world.deliver(EVENT).await;
        assert_eq!(reply.answer.status, 200);
        assert_eq!(reply.json(), json!({"status": "duplicate", "eventId": "evt_1"}));
        assert_eq!(world.stored(), 1);
        assert_eq!(world.logged(), [Outcome::Accepted, Outcome::Duplicate]);
    });
}

#[test]
fn only_the_exact_event_id_makes_a_duplicate() {
    in_world(async |world| {
        assert_eq!(world.deliver(r#"{"eventId":"evt_1","try":1}"#).await.answer.status, 202);
        assert_eq!(world.deliver(r#"{"eventId":"evt_1","try":2}"#).await.answer.status, 200);
        assert_eq!(world.deliver(r#"{"eventId":"EVT_1","try":1}"#).await.answer.status, 202);
    });
}

#[test]
fn any_active_secret_verifies_and_its_position_is_reported() {
    in_world(async |mut world| {
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_newest whsec_test");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        assert_eq!(world.last_record().1.key, Some(1));
        assert!(world.queue.stored.borrow()[0].contains(r#""key":1,"#));
    });
}

#[test]
fn a_signed_body_without_a_valid_event_is_answered_with_400() {
    in_world(async |world| {
        let reply = world.deliver("[]").await;
        assert_eq!(reply.status_and_code(), (400, "invalid_event".to_owned()));
        assert_eq!(reply.answer.content_type, "application/problem+json");
        assert_eq!(
            reply.json(),
            json!({
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "code": "invalid_event",
                "detail": "body malformed: not a JSON object"
            })
        );
        let reply = world.deliver(r#"{"eventId":"a","x":}"#).await;
        assert_eq!(reply.json()["detail"], "body malformed: not valid JSON at line 1, column 20");
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn every_invalid_signature_gets_the_same_answer_and_its_own_reason_in_the_log() {
    in_world(async |world| {
        let mut answers = Vec::new();
        for (signature, reason) in [
            (None, "signature header missing: expected x-cronozen-signature"),
            (
                Some(String::new()),
                "signature malformed: empty (64 lowercase hexadecimal digits are expected)",
            ),
            (
                Some(sign(EVENT.as_bytes(), SECRET).to_uppercase()),
                "signature malformed: upper-case hexadecimal digits (64 lowercase hexadecimal digits are expected)",
            ),
            (
                Some(format!("sha256={}", sign(EVENT.as_bytes(), SECRET))),
                "signature malformed: starts with a prefix such as sha256= (64 lowercase hexadecimal digits are expected)",
            ),
            (
                Some(sign(EVENT.as_bytes(), "whsec_wrong")),
                "signature mismatch: no active secret matches the body. Usual causes: ",
            ),
        ] {
            let mut request = signed(EVENT);
            request.signature = signature;
            let reply = world.serve(request).await;
            assert_eq!(reply.status_and_code(), (401, "invalid_signature".to_owned()));
            let (level, record) = world.last_record();
            assert_eq!(level, Level::Warn);
            assert!(record.reason.clone().unwrap().starts_with(reason), "{record:?}");
            assert_eq!(record.event_id, None, "nothing is read before the signature is good");
            answers.push(reply.answer.body);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "a forger learns nothing from the answer");
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn a_body_with_a_wrong_signature_is_not_parsed() {
    in_world(async |world| {
        let mut request = signed("not JSON");
        request.signature = Some(sign(b"not JSON", "whsec_wrong"));
        assert_eq!(world.serve(request).await.answer.status, 401);
    });
}

#[test]
fn a_wrong_path_is_not_found_and_a_wrong_method_is_not_allowed() {
    in_world(async |world| {
        for path in ["/", "/webhooks/cronozen/", "/webhooks", "/Webhooks/cronozen", ""] {
            let mut request = signed(EVENT);
            request.path = Some(path.to_owned());
            assert_eq!(world.serve(request).await.status_and_code(), (404, "not_found".to_owned()));
        }
        let reply = world.serve(get(PATH)).await;
        assert_eq!(reply.status_and_code(), (405, "method_not_allowed".to_owned()));
        assert_eq!(reply.answer.allow, Some("POST"));
        let mut request = signed(EVENT);
        request.path = Some("/healthz".to_owned());
        let reply = world.serve(request).await;
        assert_eq!(reply.status_and_code(), (405, "method_not_allowed".to_owned()));
        assert_eq!(reply.answer.allow, Some("GET, HEAD"));
        assert_eq!(world.stored() + world.marked(), 0);
    });
}

#[test]
fn a_request_without_a_path_is_not_found_and_the_log_has_the_reason() {
    in_world(async |world| {
        let reply = world.serve(Request { path: None, ..signed(EVENT) }).await;
        assert_eq!(reply.status_and_code(), (404, "not_found".to_owned()));
        assert_eq!(reply.json()["detail"], "nothing is served at this path");
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Warn);
        let reason = "request URL invalid: the Host header is malformed";
        assert_eq!(record.reason.as_deref(), Some(reason));
    });
}

#[test]
fn the_webhook_path_can_be_set() {
    in_world(async |mut world| {
        world.set("WEBHOOK_PATH", "/hooks");
        assert_eq!(world.deliver(EVENT).await.answer.status, 404);
        let mut request = signed(EVENT);
        request.path = Some("/hooks".to_owned());
        assert_eq!(world.serve(request).await.answer.status, 202);
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_and_logged_as_an_error() {
    in_world(async |world| {
        // The message repeats the id with its quotes escaped, so it is too large though the body is under the cap.
        let quotes = "\\\"".repeat(256);
        let frame = format!(r#"{{"eventId":"{quotes}","data":""}}"#).len();
        let body = |size: usize| {
            format!(r#"{{"eventId":"{quotes}","data":"{}"}}"#, "x".repeat(size - frame))
        };
        let reply = world.deliver(&body(127_000)).await;
        assert_eq!(reply.status_and_code(), (413, "body_too_large".to_owned()));
        let (level, record) = world.last_record();
        let reason = record.reason.clone().unwrap();
        let bytes: usize = reason.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert_eq!(level, Level::Error);
        assert!(record.event_id.is_some());
        assert_eq!(world.stored() + world.marked(), 0);

        // The look-up fails, so that the message contains the longer value of `dedupe`.
        world.store.look.set(Behaviour::Fails(5));
        let fits = |message: usize| 127_000 - (bytes - message);
        assert_eq!(world.deliver(&body(fits(MAX_MESSAGE_BYTES + 1))).await.answer.status, 413);
        assert_eq!(world.deliver(&body(fits(MAX_MESSAGE_BYTES))).await.answer.status, 202);
        assert_eq!(world.queue.stored.borrow()[0].len(), MAX_MESSAGE_BYTES);
    });
}

#[test]
fn a_failed_send_is_answered_with_503_and_leaves_no_marker() {
    in_world(async |world| {
        world.queue.send.set(Behaviour::Fails(5));
        let reply = world.deliver(EVENT).await;
        assert_eq!(reply.status_and_code(), (503, "unavailable".to_owned()));
        assert_eq!(reply.answer.retry_after, Some(30));
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Error);
        let reason = record.reason.unwrap();
        assert_eq!(reason, "queue send failed: out of order");
        assert_eq!(world.marked(), 0);
    });
}

/// RFC 9457 recommends the status's phrase in RFC 9110 as the title of a problem of type `about:blank`.
#[test]
fn the_title_of_a_problem_is_the_phrase_of_its_status() {
    let mut titles = BTreeMap::new();
    let mut collect = |reply: &Reply| {
        assert_eq!(reply.json()["type"], "about:blank");
        assert_eq!(reply.json()["status"], reply.answer.status);
        let title = reply.json()["title"].as_str().unwrap().to_owned();
        titles.insert(reply.answer.status, title);
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
