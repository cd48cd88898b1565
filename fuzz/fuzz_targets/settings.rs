//! The settings: exactly the documented values are accepted and read as documented, and no error quotes a value.
//!
//! Input: the environment, as `NAME=value` with a byte 0xFF between the variables. A value that is not UTF-8 stands for
//! one that is not a string.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use cronozen_gateway::configuration::{Configuration, Needs};
use cronozen_gateway::settings::{ConfigError, DedupeMode, ReplayPolicy, Settings, Value};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::Window;
use cronozen_webhook::time::Timestamp;
use libfuzzer_sys::fuzz_target;

type Environment<'a> = BTreeMap<&'a str, Option<&'a str>>;

const DAY: u64 = 24 * 60 * 60;
const MAX_VARIABLES: usize = 32;

/// A secret of our own, which may be in no text.
const MARKED: &str = "whsec_0marked9";
/// The same with a mistake, so that it is refused.
const MARKED_WRONG: &str = "\"whsec_0marked9";

fuzz_target!(|data: &[u8]| {
    let environment = read_environment(data);
    let mut needed = None;
    let bindings = |needs: Needs| {
        needed = Some(needs);
        Ok::<(), Vec<ConfigError>>(())
    };
    let names: Vec<String> = environment.keys().map(|name| (*name).to_owned()).collect();
    let configuration = Configuration::new(|name| value_of(&environment, name), bindings)
        .with_hints_for(names.into_iter());

    check_path(&environment, &configuration);
    let expected = Expected::read(&environment);
    match (&configuration.ready, &expected.wrong[..]) {
        (Ok((settings, ())), []) => expected.check(settings, &environment),
        (Err(errors), wrong) => {
            let names: Vec<&str> = errors.iter().map(|error| error.name).collect();
            assert_eq!(names, wrong);
            errors.iter().for_each(check_error);
        }
        (Ok(_), wrong) => panic!("accepted in spite of {wrong:?}"),
    }
    let needed = needed.unwrap();
    assert_eq!(needed.dedupe, expected.dedupe);
    assert_eq!(needed.bodies, expected.max_body_bytes.is_some_and(|cap| cap > 127_000));
    check_hints(&environment, &configuration.hints);
    check_marked(&environment);
});

fn read_environment(data: &[u8]) -> Environment<'_> {
    data.split(|byte| *byte == 0xFF)
        .take(MAX_VARIABLES)
        .filter_map(|variable| {
            let equals = variable.iter().position(|byte| *byte == b'=')?;
            let name = std::str::from_utf8(&variable[..equals]).ok()?;
            Some((name, std::str::from_utf8(&variable[equals + 1..]).ok()))
        })
        .collect()
}

fn value_of(environment: &Environment<'_>, name: &str) -> Value {
    match environment.get(name) {
        None => Value::Absent,
        Some(None) => Value::Other,
        Some(Some(text)) => Value::Text((*text).to_owned().into()),
    }
}

/// Checks that a secret is in no text of the settings or of their errors.
fn check_marked(environment: &Environment<'_>) {
    // FORGET and WEBHOOK_PATH are shown.
    if environment.values().flatten().any(|text| text.contains(MARKED)) {
        return;
    }
    for secret in [MARKED, MARKED_WRONG] {
        let mut marked = environment.clone();
        marked.insert("CRONOZEN_SIGNING_SECRET", Some(secret));
        let configuration = Configuration::new(|name| value_of(&marked, name), |_| Ok(()));
        let text = format!("{configuration:?}");
        assert!(!text.contains(MARKED), "shows a secret: {text}");
        assert!(secret == MARKED || configuration.ready.is_err());
    }
}

/// The values as docs/configuration.md describes them. A wrong one is `None`.
struct Expected {
    secrets: Option<usize>,
    dedupe: Option<DedupeMode>,
    ttl: Option<u32>,
    replay: Option<ReplayPolicy>,
    max_body_bytes: Option<u32>,
    deadline: Option<u32>,
    /// The names of the settings that are wrong, in the order of the documentation.
    wrong: Vec<&'static str>,
}

impl Expected {
    fn read(environment: &Environment<'_>) -> Self {
        let mut wrong = Vec::new();
        let secrets = secrets(environment, &mut wrong);
        let dedupe = match word(environment, "DEDUPE", &["kv", "durable-object"], &mut wrong) {
            Some("durable-object") => {
                let words = ["false", "true"];
                word(environment, "MIGRATE_FROM_KV", &words, &mut wrong)
                    .map(|word| DedupeMode::DurableObject { migrate_from_kv: word == "true" })
            }
            Some(_) => Some(DedupeMode::Kv),
            None => None,
        };
        let ttl =
            number(environment, "DEDUPE_TTL_SECONDS", [172_800, u32::MAX, 2_592_000], &mut wrong);
        let replay = word(environment, "REPLAY", &["accept", "refuse"], &mut wrong)
            .map(|word| if word == "accept" { ReplayPolicy::Accept } else { ReplayPolicy::Refuse });
        let max_body_bytes =
            number(environment, "MAX_BODY_BYTES", [1024, 1_048_576, 127_000], &mut wrong);
        let deadline = number(environment, "DEADLINE_MS", [1000, 4500, 4000], &mut wrong);
        if environment.get("FORGET") == Some(&None) {
            wrong.push("FORGET");
        }
        Self { secrets, dedupe, ttl, replay, max_body_bytes, deadline, wrong }
    }

    /// Compares accepted settings with these.
    fn check(&self, settings: &Settings, environment: &Environment<'_>) {
        assert_eq!(Some(settings.secrets.count()), self.secrets);
        assert_eq!(Some(settings.dedupe), self.dedupe);
        assert_eq!(Some(settings.replay), self.replay);
        assert_eq!(Some(settings.max_body_bytes), self.max_body_bytes.map(|cap| cap as usize));
        let deadline = Duration::from_millis(self.deadline.unwrap().into());
        let now = Timestamp::from_millis(1_795_503_600_000);
        let budget = settings.budget(now);
        assert_eq!(budget.body_read_limit(), deadline * 3 / 8);
        assert_eq!(budget.send_time_left(now), deadline.saturating_sub(Duration::from_millis(250)));

        let ttl = Duration::from_secs(self.ttl.unwrap().into());
        let millisecond = Duration::from_millis(1);
        assert_eq!(settings.marker_ttl(None, now), ttl);
        let far = now.plus(Duration::from_secs(1000 * DAY));
        assert_eq!(settings.marker_ttl(Some(far), now), ttl + Duration::from_secs(366 * DAY));
        assert_eq!(settings.window(Some(now.minus(ttl)), now), Window::Inside);
        assert_eq!(settings.window(Some(now.minus(ttl + millisecond)), now), Window::Outside);
        let ahead = now.plus(Duration::from_hours(1));
        assert_eq!(settings.window(Some(ahead), now), Window::Inside);
        assert_eq!(settings.window(Some(ahead.plus(millisecond)), now), Window::Unknown);
        assert_eq!(settings.window(None, now), Window::Unknown);

        let forget = environment.get("FORGET").copied().flatten().unwrap_or_default();
        let words = forget.replace(',', " ");
        let words: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(*settings.forget, words);
        for word in words.iter().filter_map(|word| EventId::new((*word).to_owned()).ok()) {
            assert!(settings.forgets(&word));
        }
        assert!(!settings.forgets(&EventId::new("an id with a space".to_owned()).unwrap()));
    }
}

fn word<'w>(
    environment: &Environment<'_>,
    name: &'static str,
    words: &[&'w str],
    wrong: &mut Vec<&'static str>,
) -> Option<&'w str> {
    let found = match environment.get(name) {
        None => Some(words[0]),
        Some(text) => words.iter().copied().find(|word| Some(*word) == *text),
    };
    if found.is_none() {
        wrong.push(name);
    }
    found
}

fn number(
    environment: &Environment<'_>,
    name: &'static str,
    [least, most, default]: [u32; 3],
    wrong: &mut Vec<&'static str>,
) -> Option<u32> {
    let found = match environment.get(name) {
        None => Some(default),
        Some(text) => text
            .filter(|text| {
                !text.is_empty() && text.chars().all(|digit| "0123456789".contains(digit))
            })
            // Longer numbers are too large, unless they have leading zeros.
            .map(|text| text.trim_start_matches('0'))
            .filter(|digits| digits.len() <= 10)
            .map(|digits| digits.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| least <= *number && *number <= most),
    };
    if found.is_none() {
        wrong.push(name);
    }
    found
}

/// Returns the number of secrets, or `None` if one of the two settings is wrong.
fn secrets(environment: &Environment<'_>, wrong: &mut Vec<&'static str>) -> Option<usize> {
    let is_secret = |text: &&str| {
        let ends = [text.chars().next(), text.chars().last()];
        !ends.into_iter().flatten().any(|end| "'\"`".contains(end))
            && !text.chars().any(|character| {
                matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}')
                    || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
                    || matches!(character, '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fffd}')
            })
    };
    let count = |name: &str, least: usize| match environment.get(name) {
        None => (least == 0).then_some(0),
        Some(text) => text.and_then(|text| {
            let all = text.split_whitespace().all(|word| is_secret(&word));
            let count = text.split_whitespace().count();
            (all && (least..=8).contains(&count)).then_some(count)
        }),
    };
    let current = count("CRONOZEN_SIGNING_SECRET", 1);
    if current.is_none() {
        wrong.push("CRONOZEN_SIGNING_SECRET");
    }
    let next = count("CRONOZEN_SIGNING_SECRET_NEXT", 0)
        .filter(|next| next + current.unwrap_or_default() <= 8);
    if next.is_none() {
        wrong.push("CRONOZEN_SIGNING_SECRET_NEXT");
    }
    Some(current? + next?)
}

/// Compares the webhook's path with its definition.
fn check_path(environment: &Environment<'_>, configuration: &Configuration<()>) {
    let path = environment.get("WEBHOOK_PATH").copied().unwrap_or(Some("/webhooks/cronozen"));
    let is_plain = |path: &&str| {
        let letters =
            |character: char| character.is_ascii_alphanumeric() || "/-._~".contains(character);
        path.starts_with('/')
            && path.chars().all(letters)
            && !format!("{path}/").contains("/./")
            && !format!("{path}/").contains("/../")
            && *path != "/healthz"
    };
    match (&configuration.webhook_path, path.filter(is_plain)) {
        (Ok(found), Some(expected)) => assert_eq!(found, expected),
        (Err(errors), None) => {
            assert_eq!(errors.len(), 1);
            errors.iter().for_each(check_error);
        }
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

/// Checks that an error quotes nothing but a number: what it found is one of a few phrases.
fn check_error(error: &ConfigError) {
    const PHRASES: [&str; 7] = [
        "a different string",
        "a string that is not such a number",
        "a value that is not a string",
        "none",
        "one that starts or ends with a quotation mark",
        "one with an invisible character",
        "/healthz",
    ];
    let is_number =
        !error.found.is_empty() && error.found.bytes().all(|byte| byte.is_ascii_digit());
    assert!(is_number || PHRASES.contains(&&*error.found), "{error}");
    assert!(error.expected.len() < 200 && !error.expected.is_empty());
}

/// Checks that there are few hints, and that none contains a value.
fn check_hints(environment: &Environment<'_>, hints: &[String]) {
    assert!(hints.len() <= 8);
    for hint in hints {
        let name =
            hint.strip_prefix("unknown name ").and_then(|rest| rest.rsplit_once(": did you mean "));
        let (name, meant) = name.unwrap();
        assert!(
            environment.contains_key(name) && !environment.contains_key(&meant[..meant.len() - 1])
        );
        // Two mistakes at most.
        assert!(name.len().abs_diff(meant.len() - 1) <= 2);
    }
}
