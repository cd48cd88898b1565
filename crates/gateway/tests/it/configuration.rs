//! A gateway with bad settings or a missing binding accepts nothing, and reports the problems on /healthz.

use std::cell::RefCell;
use std::collections::BTreeSet;

use cronozen_gateway::configuration::{Configuration, bindings};
use cronozen_gateway::log::Level;
use cronozen_gateway::settings::{ConfigError, Value};
use serde_json::json;

use crate::signing::sign;
use crate::world::{World, get, in_world, signed};

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
                "secrets": 1
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
fn healthz_reports_the_number_of_secrets_however_they_are_given() {
    in_world(async |mut world| {
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_new whsec_old");
        assert_eq!(world.serve(get("/healthz")).await.json()["secrets"], 2);
        world.set("CRONOZEN_SIGNING_SECRET", "whsec_old");
        assert_eq!(world.serve(get("/healthz")).await.json()["secrets"], 1);
        world.set("CRONOZEN_SIGNING_SECRET_NEXT", "whsec_new");
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.json()["secrets"], 2);
        assert!(!reply.answer.body.contains("NEXT"), "it does not say which");
    });
}

/// Returns the hints in the answer of the health check, and its status.
async fn hints(world: &World) -> (u16, Vec<String>) {
    let reply = world.serve(get("/healthz")).await;
    let hints = reply.json().get("hints").cloned();
    let hints = hints.map_or_else(Vec::new, |hints| serde_json::from_value(hints).unwrap());
    (reply.answer.status, hints)
}

#[test]
fn healthz_has_a_hint_for_a_misspelt_name_and_no_delivery_is_refused() {
    for (name, meant) in [
        ("DEDUP", "DEDUPE"),
        ("dedupe", "DEDUPE"),
        ("DEUDPE", "DEDUPE"),
        ("DEDUPERS", "DEDUPER"),
        ("DEDUPE_TTL_SECOND", "DEDUPE_TTL_SECONDS"),
        ("DEDUPE_TTL_SEC0NDZ", "DEDUPE_TTL_SECONDS"),
        ("CRONOZEN_SIGNIGN_SECRET_NXT", "CRONOZEN_SIGNING_SECRET_NEXT"),
        ("Webhook_Path", "WEBHOOK_PATH"),
        ("SEE", "SEEN"),
        ("BODYES", "BODIES"),
        ("EVENT", "EVENTS"),
    ] {
        in_world(async |mut world| {
            world.set(name, "whsec_slip");
            let (status, hints) = hints(&world).await;
            assert_eq!(status, 200);
            assert_eq!(hints, [format!("unknown name {name}: did you mean {meant}?")]);
            assert_eq!(world.deliver(EVENT).await.answer.status, 202, "{name}");
        });
    }
}

#[test]
fn healthz_has_no_hint_for_the_names_of_others() {
    in_world(async |mut world| {
        for name in [
            // A consumer in the same Worker has these.
            "DB",
            "DEAD_LETTERS",
            "ADMIN_TOKEN",
            "EVENTS_QUEUE",
            "HANDLED",
            // Nearly, but not nearly enough: two mistakes in a short name, three in a long one, another case as well.
            "DEDU",
            "EVENTS_2",
            "dedup",
            "DEDUPE_TTL_SECO",
            "CRONOZEN_API_KEY",
            "MAX_BODY",
            "\u{1f512}SEEN",
            "",
            // The gateway's own names are there, too.
            "SEEN",
            "SEED",
            "EVENTS",
            "EVENT",
            "CRONOZEN_SIGNING_SECRETS",
        ] {
            world.set(name, "");
        }
        assert_eq!(hints(&world).await, (200, vec![]));
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.json().get("hints"), None);
    });
}

#[test]
fn healthz_has_at_most_eight_hints_and_they_never_refuse_or_show_a_value() {
    in_world(async |mut world| {
        for letter in 'A'..='Z' {
            world.set(&format!("DEDUP{letter}"), "whsec_slip");
            world.set(&format!("{letter}").repeat(1000), "whsec_slip");
        }
        world.settings.remove("DEDUPE");
        let (status, eight) = hints(&world).await;
        assert_eq!((status, eight.len()), (200, 8));
        assert!(eight.iter().all(|hint| hint.len() < 100), "{eight:?}");
        assert_eq!(world.deliver(EVENT).await.answer.status, 202);
        world.settings.remove("CRONOZEN_SIGNING_SECRET");
        assert_eq!(hints(&world).await, (500, eight));
        let reply = world.serve(get("/healthz")).await;
        assert_eq!(reply.json()["problems"][0]["name"], "CRONOZEN_SIGNING_SECRET");
        assert!(!reply.answer.body.contains("whsec_slip"));
        // The sender gets none.
        assert!(!world.deliver(EVENT).await.answer.body.contains("hints"));
    });
}

/// A name that the settings read, or that is bound, would otherwise be reported as misspelt.
#[test]
fn healthz_knows_every_setting_and_binding() {
    let names = RefCell::new(BTreeSet::new());
    let value = |name: &str| {
        names.borrow_mut().insert(name.to_owned());
        let strict = name == "DEDUPE";
        if strict { Value::Text("durable-object".to_owned().into()) } else { Value::Absent }
    };
    let _configuration = Configuration::new(value, |_| Ok(()));
    let mut names = names.into_inner();
    assert!(names.contains("MIGRATE_FROM_KV") && names.contains("WEBHOOK_PATH"), "{names:?}");
    names.extend(bindings::NAMES.map(str::to_owned));
    let hints = |names: Vec<String>| {
        Configuration::new(|_| Value::Absent, |_| Ok(())).with_hints_for(names.into_iter()).hints
    };
    for name in &names {
        let lower = name.to_lowercase();
        let hint = format!("unknown name {lower}: did you mean {name}?");
        assert_eq!(hints(vec![lower]), [hint]);
    }
    assert!(hints(names.into_iter().collect()).is_empty());
}
