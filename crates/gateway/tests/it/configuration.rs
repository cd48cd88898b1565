//! A gateway with bad settings or a missing binding accepts nothing, and reports the problems on /healthz.

use cronozen_gateway::log::Level;
use cronozen_gateway::settings::ConfigError;
use serde_json::json;

use crate::signing::sign;
use crate::world::{get, in_world, signed};

const EVENT: &str = r#"{"eventId":"evt_1"}"#;

#[test]
fn a_missing_secret_refuses_every_delivery_and_is_named_only_in_the_log() {
    in_world(async |mut world| {
        world.settings.clear();
        let reply = world.deliver(EVENT).await;
        assert_eq!(reply.status_and_code(), (500, "misconfigured".to_owned()));
        assert!(!reply.answer.body.contains("CRONOZEN_SIGNING_SECRET"));
        let (level, record) = world.last_record();
        assert_eq!(level, Level::Error);
        assert_eq!(
            record.reason.unwrap(),
            "CRONOZEN_SIGNING_SECRET: expected 1 to 8 secrets separated by white space, got none"
        );
    });
}

#[test]
fn a_blank_secret_verifies_no_signature() {
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
fn healthz_reports_ok_or_every_wrong_setting_and_logs_nothing() {
    in_world(async |mut world| {
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.answer.status, 200);
        assert_eq!(
            reply.json(),
            json!({
                "status": "ok",
                "version": env!("CARGO_PKG_VERSION"),
                "dedupe": "kv",
                "maxBodyBytes": 127_000,
                "maxMessageBytes": 127_500,
                "secondSecret": false
            })
        );

        world.settings.clear();
        world.set("DEADLINE_MS", "9000");
        world.set("WEBHOOK_PATH", "hooks");
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.status_and_code(), (500, "misconfigured".to_owned()));
        let json = reply.json();
        let problems = json["problems"].as_array().unwrap();
        let names: Vec<&str> = problems.iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["WEBHOOK_PATH", "CRONOZEN_SIGNING_SECRET", "DEADLINE_MS"]);
        assert_eq!(problems[2]["expected"], "a whole number from 1000 to 4500");
        assert_eq!(problems[2]["found"], "9000");
        assert!(world.log.borrow().is_empty(), "a health check is no delivery");
    });
}

#[test]
fn healthz_reports_a_second_secret_however_it_is_given() {
    in_world(async |mut world| {
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_new whsec_old");
        assert_eq!(world.serve(get("/healthz")).await.json()["secondSecret"], true);
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_old");
        assert_eq!(world.serve(get("/healthz")).await.json()["secondSecret"], false);
        world.set("CRONOZEN_SIGNING_SECRET_NEXT", "whsec_new");
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.json()["secondSecret"], true);
        assert!(!reply.answer.body.contains("NEXT"), "it does not say which");
    });
}
