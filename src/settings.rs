//! Every setting, parsed once into a type: limits, the replay window, the time budgets.
//!
//! A bad setting fails closed: no delivery is accepted until it is put right.

use core::time::Duration;
use std::rc::Rc;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::signature::{MAX_SECRETS, Secrets};
use crate::time::Timestamp;

/// Cloudflare Queues takes messages of 128,000 bytes, of which about 100 are its own metadata. The
/// rest is a margin.
pub const MAX_MESSAGE_BYTES: usize = 127_500;

/// With the message's other fields around it (about 300 bytes), a body of this size still fits
/// [`MAX_MESSAGE_BYTES`].
const DEFAULT_MAX_BODY_BYTES: u32 = 127_000;

/// The smallest body that can be an event is 15 bytes; a cap of less than 1 KiB can only be a slip.
const MIN_MAX_BODY_BYTES: u32 = 1024;

/// The sender gives up after 5 s; by 4 s the answer has a second for its way back.
const DEFAULT_DEADLINE_MS: u32 = 4000;

/// Below this the budgets of the steps are too small for any store.
const MIN_DEADLINE_MS: u32 = 1000;

/// Half a second is the least that an answer needs to reach the sender within its 5 s.
const MAX_DEADLINE_MS: u32 = 4500;

/// 30 days: as long as a retry by hand is likely.
const DEFAULT_DEDUPE_TTL_SECONDS: u32 = 30 * 24 * 60 * 60;

/// The sender's last retry starts up to 31 h 13 min after the first attempt; 48 h leaves a margin.
const MIN_DEDUPE_TTL_SECONDS: u32 = 48 * 60 * 60;

const DEFAULT_WEBHOOK_PATH: &str = "/webhooks/cronozen";

/// Where the gateway says that it is well.
pub const HEALTH_PATH: &str = "/healthz";

/// A sender's clock may be wrong by this much; a `createdAt` further ahead tells nothing.
const MAX_CLOCK_SKEW: Duration = Duration::from_hours(1);

/// How long an answer waits for the marker once the event is in the queue.
pub const MARK_WAIT: Duration = Duration::from_millis(250);

/// A setting or binding that is missing or wrong. Holds no value: somebody may have put a secret into
/// the wrong setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misconfigured {
    /// The setting's name.
    pub name: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came instead, without its value.
    pub found: String,
}

impl core::fmt::Display for Misconfigured {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}: expected {}, got {}", self.name, self.expected, self.found)
    }
}

/// How events are recognised that have been seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DedupeMode {
    /// A marker in Workers KV.
    #[serde(rename = "kv")]
    Kv,
}

/// What is done with a delivery whose event is older than the markers live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayPolicy {
    /// It is queued, and the message says that it came from outside the window.
    Accept,
    /// It is refused.
    Refuse,
}

/// Where a delivery's `createdAt` lies in relation to the replay window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// Young enough that its marker, if there was one, is still there.
    Inside,
    /// Older than a marker lives: a late retry by hand, or a replay.
    Outside,
    /// `createdAt` is absent, unreadable, or too far ahead.
    Unknown,
}

impl Window {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// All settings of a delivery but its path.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The active signing secrets.
    pub secrets: Secrets,
    /// How duplicates are recognised.
    pub dedupe: DedupeMode,
    /// What happens outside the replay window.
    pub replay: ReplayPolicy,
    /// The largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Ids of events whose markers are ignored, so that they are let through once more.
    pub forget: Rc<[String]>,
    dedupe_ttl: Duration,
    deadline: Duration,
}

impl Settings {
    /// Reads all settings but [`webhook_path`] through `value`, which gives a setting's text, or `None`
    /// where it is not set.
    ///
    /// # Errors
    /// All that is wrong, in the order of the settings' names in the documentation.
    pub fn parse(value: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Misconfigured>> {
        let mut wrong = Vec::new();
        let secrets = keep(parse_secrets(value("CRONOZEN_SIGNING_SECRET")), &mut wrong);
        let dedupe = keep(
            choice("DEDUPE", value("DEDUPE"), &[("kv", DedupeMode::Kv)], DedupeMode::Kv),
            &mut wrong,
        );
        let dedupe_ttl = keep(
            number(
                "DEDUPE_TTL_SECONDS",
                value("DEDUPE_TTL_SECONDS"),
                (MIN_DEDUPE_TTL_SECONDS, u32::MAX),
                DEFAULT_DEDUPE_TTL_SECONDS,
            ),
            &mut wrong,
        );
        let replay = keep(
            choice(
                "REPLAY",
                value("REPLAY"),
                &[("accept", ReplayPolicy::Accept), ("refuse", ReplayPolicy::Refuse)],
                ReplayPolicy::Accept,
            ),
            &mut wrong,
        );
        let max_body_bytes = keep(
            number(
                "MAX_BODY_BYTES",
                value("MAX_BODY_BYTES"),
                (MIN_MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES),
                DEFAULT_MAX_BODY_BYTES,
            ),
            &mut wrong,
        );
        let deadline = keep(
            number(
                "DEADLINE_MS",
                value("DEADLINE_MS"),
                (MIN_DEADLINE_MS, MAX_DEADLINE_MS),
                DEFAULT_DEADLINE_MS,
            ),
            &mut wrong,
        );
        let forget = value("FORGET").unwrap_or_default();
        let forget = forget.split_whitespace().map(str::to_owned).collect();
        let (
            Some(secrets),
            Some(dedupe),
            Some(dedupe_ttl),
            Some(replay),
            Some(max_body_bytes),
            Some(deadline),
        ) = (secrets, dedupe, dedupe_ttl, replay, max_body_bytes, deadline)
        else {
            return Err(wrong);
        };
        Ok(Self {
            secrets,
            dedupe,
            replay,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            forget,
            dedupe_ttl: Duration::from_secs(dedupe_ttl.into()),
            deadline: Duration::from_millis(deadline.into()),
        })
    }

    /// The time budgets of a delivery that arrived at `arrived`.
    #[must_use]
    pub fn budget(&self, arrived: Timestamp) -> Budget {
        Budget { arrived, deadline: self.deadline }
    }

    /// Where `created`, an event's `createdAt`, lies at `now`.
    #[must_use]
    pub fn window(&self, created: Option<Timestamp>, now: Timestamp) -> Window {
        match created {
            None => Window::Unknown,
            Some(created) if created.since(now) > MAX_CLOCK_SKEW => Window::Unknown,
            Some(created) if now.since(created) > self.dedupe_ttl => Window::Outside,
            Some(_) => Window::Inside,
        }
    }

    /// How long the marker of an event created at `created` must live from `now`: the TTL, or until
    /// `created` and the TTL where that is later, so that no marker ends before its window does.
    #[must_use]
    pub fn marker_ttl(&self, created: Option<Timestamp>, now: Timestamp) -> Duration {
        let ahead = created.map_or(Duration::ZERO, |created| created.since(now));
        if ahead > MAX_CLOCK_SKEW { self.dedupe_ttl } else { self.dedupe_ttl + ahead }
    }
}

/// All that a delivery needs to know before it is read: where the webhook is, and the settings together
/// with the bindings `T` that they ask for.
#[derive(Debug)]
pub struct Configuration<T> {
    /// The webhook's path.
    pub webhook_path: Result<String, Misconfigured>,
    /// The settings and the bindings, or all that is wrong with them; at least one.
    pub ready: Result<(Settings, T), Vec<Misconfigured>>,
}

impl<T> Configuration<T> {
    /// Reads the settings through `value`, and joins them with the bindings.
    pub fn new(
        value: impl Fn(&str) -> Option<String>,
        bindings: Result<T, Vec<Misconfigured>>,
    ) -> Self {
        let webhook_path = webhook_path(value("WEBHOOK_PATH"));
        let ready = match (Settings::parse(value), bindings) {
            (Ok(settings), Ok(bindings)) => Ok((settings, bindings)),
            (settings, bindings) => {
                let mut wrong = settings.err().unwrap_or_default();
                wrong.extend(bindings.err().unwrap_or_default());
                Err(wrong)
            }
        };
        Self { webhook_path, ready }
    }
}

/// The times by which the steps of one delivery must be done.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    arrived: Timestamp,
    deadline: Duration,
}

impl Budget {
    /// When the delivery arrived.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        self.arrived
    }

    /// The longest that the body may take: 3/8 of the deadline.
    #[must_use]
    pub fn body_limit(self) -> Duration {
        self.deadline * 3 / 8
    }

    /// The longest that a look-up may take: 1/8 of the deadline.
    #[must_use]
    pub fn lookup_limit(self) -> Duration {
        self.deadline / 8
    }

    /// The queue has acknowledged by then, so that the marker still has its time.
    #[must_use]
    pub fn send_until(self) -> Timestamp {
        self.arrived.plus(self.deadline.saturating_sub(MARK_WAIT))
    }
}

/// The exact path of the webhook, `/webhooks/cronozen` if it is not set.
///
/// # Errors
/// If it is not an absolute path, has a query or a fragment, or is [`HEALTH_PATH`].
pub fn webhook_path(value: Option<String>) -> Result<String, Misconfigured> {
    let path = value.unwrap_or_else(|| DEFAULT_WEBHOOK_PATH.to_owned());
    let wrong = |found: &str| {
        Err(Misconfigured {
            name: "WEBHOOK_PATH",
            expected: format!("a path that starts with / and is not {HEALTH_PATH}"),
            found: found.to_owned(),
        })
    };
    if path == HEALTH_PATH {
        return wrong(HEALTH_PATH);
    }
    if !path.starts_with('/') {
        return wrong("a text that does not start with /");
    }
    if path.contains(['?', '#']) {
        return wrong("a path with a query or a fragment");
    }
    if path.chars().any(|character| !character.is_ascii_graphic()) {
        return wrong("a path with white space or characters that are not ASCII");
    }
    Ok(path)
}

fn parse_secrets(value: Option<String>) -> Result<Secrets, Misconfigured> {
    let list = Zeroizing::new(value.unwrap_or_default());
    Secrets::parse(&list).map_err(|error| Misconfigured {
        name: "CRONOZEN_SIGNING_SECRET",
        expected: format!("1 to {MAX_SECRETS} secrets separated by white space"),
        found: if error.found == 0 { "none".to_owned() } else { error.found.to_string() },
    })
}

fn choice<T: Copy>(
    name: &'static str,
    value: Option<String>,
    choices: &[(&str, T)],
    default: T,
) -> Result<T, Misconfigured> {
    let Some(value) = value else {
        return Ok(default);
    };
    if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == value) {
        return Ok(*chosen);
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    Err(Misconfigured { name, expected: words.join(" or "), found: "another text".to_owned() })
}

fn number(
    name: &'static str,
    value: Option<String>,
    (least, most): (u32, u32),
    default: u32,
) -> Result<u32, Misconfigured> {
    let Some(value) = value else {
        return Ok(default);
    };
    let digits_only = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let found = match value.parse::<u32>() {
        Ok(number) if digits_only && (least..=most).contains(&number) => return Ok(number),
        Ok(number) if digits_only => number.to_string(),
        _ => "a text that is no such number".to_owned(),
    };
    Err(Misconfigured { name, expected: format!("a whole number from {least} to {most}"), found })
}

/// The value, or `None` with the error kept.
fn keep<T>(parsed: Result<T, Misconfigured>, wrong: &mut Vec<Misconfigured>) -> Option<T> {
    parsed.map_err(|error| wrong.push(error)).ok()
}
