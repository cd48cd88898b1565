//! The parsing of settings: their defaults, their limits, and the errors for wrong values.

use std::time::Duration;

use cronozen_gateway::budget::Budget;
use cronozen_gateway::configuration::{Configuration, Needs, webhook_path};
use cronozen_gateway::settings::{ConfigError, DedupeMode, ReplayPolicy, Settings, Value};
use cronozen_webhook::message::Window;
use cronozen_webhook::signature::Secrets;
use cronozen_webhook::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned().into())
}

fn parse(settings: &[(&str, &str)]) -> Result<Settings, Vec<ConfigError>> {
    Settings::parse(|name| {
        let secret = ("CRONOZEN_SIGNING_SECRET", "whsec_test");
        let mut all = settings.iter().chain([&secret]);
        let found = all.find(|(key, _)| *key == name);
        found.map_or(Value::Absent, |(_, value)| text(value))
    })
}

#[test]
fn settings_that_are_not_set_have_their_defaults() {
    let settings = parse(&[]).unwrap();
    assert_eq!(settings.dedupe, DedupeMode::Kv);
    assert_eq!(settings.replay, ReplayPolicy::Accept);
    assert_eq!(settings.max_body_bytes, 127_000);
    let now = Timestamp::from_millis(0);
    assert_eq!(settings.marker_ttl(None, now), Duration::from_secs(2_592_000));
    assert_eq!(settings.budget(now).send_time_left(now), Duration::from_millis(3750));
    assert!(settings.forget.is_empty());
    assert_eq!(webhook_path(|_| Value::Absent).unwrap(), "/webhooks/cronozen");
}

#[test]
fn a_number_is_accepted_only_within_its_range() {
    for (name, least, most) in [
        ("DEDUPE_TTL_SECONDS", 172_800_u32, u32::MAX),
        ("MAX_BODY_BYTES", 1024, 1_048_576),
        ("DEADLINE_MS", 1000, 4500),
    ] {
        let with = |value: u64| parse(&[(name, &value.to_string())]);
        assert!(with(least.into()).is_ok() && with(most.into()).is_ok(), "{name}");
        for wrong in [u64::from(least) - 1, u64::from(most) + 1] {
            assert_eq!(with(wrong).unwrap_err()[0].name, name);
        }
    }
}

#[test]
fn the_replay_window_includes_its_limits_and_a_future_created_at_extends_the_ttl() {
    let settings = parse(&[("DEDUPE_TTL_SECONDS", "172800")]).unwrap();
    let now = Timestamp::from_millis(1_000_000_000_000);
    let ttl = Duration::from_secs(172_800);
    let (hour, ms) = (Duration::from_hours(1), Duration::from_millis(1));
    for (created, window) in [
        (None, Window::Unknown),
        (Some(now), Window::Inside),
        (Some(now.minus(ttl)), Window::Inside),
        (Some(now.minus(ttl + ms)), Window::Outside),
        (Some(now.plus(hour)), Window::Inside),
        (Some(now.plus(hour + ms)), Window::Unknown),
    ] {
        assert_eq!(settings.window(created, now), window, "{created:?}");
    }
    assert_eq!(settings.marker_ttl(Some(now.minus(hour)), now), ttl);
    assert_eq!(settings.marker_ttl(Some(now.plus(hour)), now), ttl + hour);
    let far = now.plus(Duration::from_hours(999 * 24));
    assert_eq!(settings.marker_ttl(Some(far), now), ttl + Duration::from_hours(366 * 24));
}

#[test]
fn a_budget_divides_the_deadline_among_the_steps() {
    let arrived = Timestamp::from_millis(5000);
    let budget = parse(&[("DEADLINE_MS", "1000")]).unwrap().budget(arrived);
    assert_eq!(budget.arrived(), arrived);
    assert_eq!(budget.body_read_limit(), Duration::from_millis(375));
    assert_eq!(budget.lookup_limit(), Duration::from_millis(125));
    let left = |time: fn(Budget, Timestamp) -> Duration| {
        [0, 100, 1000].map(|ms| time(budget, arrived.plus(Duration::from_millis(ms))).as_millis())
    };
    assert_eq!(left(Budget::lease_time_left), [500, 400, 0]);
    assert_eq!(left(Budget::store_time_left), [625, 525, 0]);
    assert_eq!(left(Budget::send_time_left), [750, 650, 0]);
    assert_eq!(budget.late_work_ends_at(), arrived.plus(Duration::from_secs(28)));
}

#[test]
fn values_other_than_plain_numbers_and_known_words_are_refused() {
    for name in ["DEDUPE_TTL_SECONDS", "MAX_BODY_BYTES", "DEADLINE_MS", "DEDUPE", "REPLAY"] {
        for wrong in ["", " ", "4000.0", "+4000", "-1", "4e3", " 4000", "0x1000", "KV", "Accept"] {
            let error = parse(&[(name, wrong)]).unwrap_err();
            assert_eq!(error.len(), 1);
            assert_eq!(error[0].name, name, "{wrong:?}");
            assert!(
                ["a different string", "a string that is not such a number"]
                    .contains(&&*error[0].found)
            );
        }
    }
}

#[test]
fn dedupe_sets_the_mode_and_kv_mode_ignores_migrate_from_kv() {
    let mode = |settings: &[(&str, &str)]| parse(settings).map(|settings| settings.dedupe);
    let strict = |migrate_from_kv| Ok(DedupeMode::DurableObject { migrate_from_kv });
    let durable_object = ("DEDUPE", "durable-object");
    assert_eq!(mode(&[("DEDUPE", "kv")]), Ok(DedupeMode::Kv));
    assert_eq!(mode(&[durable_object]), strict(false));
    assert_eq!(mode(&[durable_object, ("MIGRATE_FROM_KV", "false")]), strict(false));
    assert_eq!(mode(&[durable_object, ("MIGRATE_FROM_KV", "true")]), strict(true));
    let wrong = mode(&[durable_object, ("MIGRATE_FROM_KV", "yes")]).unwrap_err();
    assert_eq!(
        wrong[0].to_string(),
        "MIGRATE_FROM_KV: expected true or false, got a different string"
    );
    assert_eq!(mode(&[("DEDUPE", "kv"), ("MIGRATE_FROM_KV", "yes")]), Ok(DedupeMode::Kv));
}

#[test]
fn the_mode_and_the_cap_decide_which_bindings_are_needed() {
    let needs = |settings: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = settings.iter().find(|(key, _)| *key == name);
            found.map_or(Value::Absent, |(_, value)| text(value))
        };
        let mut needed = None;
        // The needs are reported even if the settings are wrong.
        let _configuration = Configuration::new(value, |needs| {
            needed = Some(needs);
            Ok(())
        });
        needed.unwrap()
    };
    let dedupe = Some(DedupeMode::Kv);
    assert_eq!(needs(&[]), Needs { dedupe, bodies: false });
    assert_eq!(needs(&[("DEDUPE", "no")]), Needs { dedupe: None, bodies: false });
    for (cap, bodies) in [
        ("1024", false),
        ("127000", false),
        ("127001", true),
        ("1048576", true),
        ("1048577", false),
        ("much", false),
    ] {
        assert_eq!(needs(&[("MAX_BODY_BYTES", cap)]), Needs { dedupe, bodies }, "{cap}");
    }
}

#[test]
fn an_error_names_the_setting_and_hides_its_value() {
    let wrong = [("DEDUPE", "whsec_slip"), ("REPLAY", "whsec_slip"), ("DEADLINE_MS", "whsec_slip")];
    let errors = parse(&wrong).unwrap_err();
    let shown: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
    assert_eq!(
        shown,
        [
            "DEDUPE: expected kv or durable-object, got a different string",
            "REPLAY: expected accept or refuse, got a different string",
            "DEADLINE_MS: expected a whole number from 1000 to 4500, got a string that is not such a number",
        ]
    );
}

#[test]
fn a_wrong_secret_is_reported_without_its_value() {
    for (list, found) in [
        ("", "none"),
        (" \n", "none"),
        ("1 2 3 4 5 6 7 8 9", "9"),
        // HMAC pads keys with NUL, so this is the empty key.
        ("\0", "one with an invisible character"),
        ("whsec_new \u{feff}whsec_old", "one with an invisible character"),
        ("whsec_new whsec_\u{200b}old", "one with an invisible character"),
        ("\"whsec_new whsec_old\"", "one that starts or ends with a quotation mark"),
    ] {
        let errors = parse(&[("CRONOZEN_SIGNING_SECRET", list)]).unwrap_err();
        let expected = "1 to 8 secrets separated by white space";
        assert_eq!(
            errors[0].to_string(),
            format!("CRONOZEN_SIGNING_SECRET: expected {expected}, got {found}")
        );
    }
}

#[test]
fn a_next_secret_is_the_newest_and_may_be_absent_or_blank() {
    let key = |settings: &[(&str, &str)], secret: &str| {
        let signature = Secrets::parse(secret).unwrap().sign(b"body");
        parse(settings).unwrap().secrets.verify(b"body", signature).ok().map(|body| body.key())
    };
    for (next, new, test) in [
        ("whsec_new", Some(0), Some(1)),
        (" whsec_new\n", Some(0), Some(1)),
        ("whsec_newer whsec_new", Some(1), Some(2)),
        ("", None, Some(0)),
        (" \n", None, Some(0)),
    ] {
        let settings = [("CRONOZEN_SIGNING_SECRET_NEXT", next)];
        assert_eq!(key(&settings, "whsec_new"), new, "{next:?}");
        assert_eq!(key(&settings, "whsec_test"), test, "{next:?}");
    }
}

#[test]
fn a_wrong_next_secret_is_reported_by_its_own_name() {
    let next = "CRONOZEN_SIGNING_SECRET_NEXT: expected at most 8 secrets, with those of CRONOZEN_SIGNING_SECRET, got";
    let current = "CRONOZEN_SIGNING_SECRET: expected 1 to 8 secrets separated by white space, got";
    let eight = "1 2 3 4 5 6 7 8";
    let nine = "1 2 3 4 5 6 7 8 9";
    for (list, next_list, expected) in [
        ("whsec_test", eight, vec![format!("{next} 9")]),
        ("1 2 3 4", "1 2 3 4 5", vec![format!("{next} 9")]),
        ("1 2", nine, vec![format!("{next} 11")]),
        (
            "whsec_test",
            "'whsec_new'",
            vec![format!("{next} one that starts or ends with a quotation mark")],
        ),
        ("whsec_test", "whsec_new\0", vec![format!("{next} one with an invisible character")]),
        // The first setting stays required.
        ("", "whsec_new", vec![format!("{current} none")]),
        (
            "\0",
            "\0",
            vec![
                format!("{current} one with an invisible character"),
                format!("{next} one with an invisible character"),
            ],
        ),
        (nine, "whsec_new", vec![format!("{current} 9")]),
        (nine, nine, vec![format!("{current} 9"), format!("{next} 9")]),
    ] {
        let settings =
            [("CRONOZEN_SIGNING_SECRET", list), ("CRONOZEN_SIGNING_SECRET_NEXT", next_list)];
        let errors = parse(&settings).unwrap_err();
        let shown: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
        assert_eq!(shown, expected, "{list:?}, {next_list:?}");
    }
    assert_eq!(
        parse(&[("CRONOZEN_SIGNING_SECRET_NEXT", "1 2 3 4 5 6 7")]).unwrap().secrets.count(),
        8
    );
}

#[test]
fn ids_to_forget_are_separated_by_white_space_or_commas() {
    let settings = parse(&[("FORGET", " evt_1\tevt_2,evt_3, evt_4\n")]).unwrap();
    assert_eq!(*settings.forget, ["evt_1", "evt_2", "evt_3", "evt_4"]);
}

#[test]
fn a_value_that_is_not_a_string_is_refused_for_every_setting() {
    let errors = Settings::parse(|_| Value::Other).unwrap_err();
    let errors = errors.into_iter().chain(webhook_path(|_| Value::Other).unwrap_err());
    let names: Vec<&str> = errors
        .map(|error| {
            assert_eq!(error.found, "a value that is not a string");
            error.name
        })
        .collect();
    assert_eq!(
        names,
        [
            "CRONOZEN_SIGNING_SECRET",
            "CRONOZEN_SIGNING_SECRET_NEXT",
            "DEDUPE",
            "DEDUPE_TTL_SECONDS",
            "REPLAY",
            "MAX_BODY_BYTES",
            "DEADLINE_MS",
            "FORGET",
            "WEBHOOK_PATH"
        ]
    );
}

#[test]
fn the_debug_output_of_a_value_hides_its_text() {
    assert_eq!(format!("{:?}", text("whsec_slip")), "Text(redacted)");
}

#[test]
fn a_path_that_no_request_can_have_or_that_is_healthz_is_refused() {
    for right in ["/", "/a", "/a/b-c_d.e~", "/a//b/", "/.a/..b/..."] {
        assert_eq!(webhook_path(|_| text(right)).unwrap(), right);
    }
    for wrong in [
        "",
        "a",
        "/healthz",
        "/a?b",
        "/a#b",
        "/a b",
        "/\u{e9}",
        "https://x/",
        "/a/./b",
        "/a/..",
        "/%2e",
        "/{t}",
        "/a\\b",
        "/a^b",
        "/a`b",
        "/a\"b",
    ] {
        assert!(webhook_path(|_| text(wrong)).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_the_parser_panic(values in vec(any::<String>(), 8)) {
        let names = ["CRONOZEN_SIGNING_SECRET", "CRONOZEN_SIGNING_SECRET_NEXT", "DEDUPE", "DEDUPE_TTL_SECONDS", "REPLAY", "MAX_BODY_BYTES", "DEADLINE_MS", "FORGET"];
        let value = |name: &str| names.iter().position(|key| *key == name).map_or(Value::Absent, |index| Value::Text(values[index].clone().into()));
        let _result = Settings::parse(value);
    }
}
