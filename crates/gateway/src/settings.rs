//! The settings, each parsed once into a type: limits, the replay window, the time budgets.
//!
//! An invalid setting fails closed: no delivery is accepted until it is corrected.

use core::time::Duration;

use crate::budget::Budget;
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::{MAX_STORED_BODY_BYTES, Window};
use cronozen_webhook::signature::Secrets;
use cronozen_webhook::time::Timestamp;
pub use dedupe::DedupeMode;
pub(crate) use reader::Reader;
pub use reader::{ConfigError, Value};

mod dedupe;
mod reader;
mod secrets;

/// The default cap on a body. Such a body and the message's other fields (about 300 bytes) fit within
/// [`MAX_MESSAGE_BYTES`](cronozen_webhook::message::MAX_MESSAGE_BYTES). A larger cap requires a store of bodies.
pub const DEFAULT_MAX_BODY_BYTES: u32 = 127_000;

/// The smallest cap on a body. The smallest event has 15 bytes, but a cap below 1 KiB can only be a mistake.
const MIN_MAX_BODY_BYTES: u32 = 1024;

/// The default deadline. The sender gives up after 5 s, so the answer has one second to reach it.
const DEFAULT_DEADLINE_MS: u32 = 4000;

/// The shortest deadline. Below it, the budgets of the steps are too small for any store.
const MIN_DEADLINE_MS: u32 = 1000;

/// The longest deadline. An answer needs at least half a second to reach the sender within its 5 s.
const MAX_DEADLINE_MS: u32 = 4500;

/// 30 days: a manual retry is unlikely after that.
const DEFAULT_DEDUPE_TTL_SECONDS: u32 = 30 * 24 * 60 * 60;

/// 48 hours: the sender's last retry starts up to 31 h 13 min after the first attempt, and the rest is a margin.
const MIN_DEDUPE_TTL_SECONDS: u32 = 48 * 60 * 60;

/// More than a hundred years: the largest number of the type.
const MAX_DEDUPE_TTL_SECONDS: u32 = u32::MAX;

/// The largest accepted error of a sender's clock. A `createdAt` further ahead makes the window unknown.
const MAX_CLOCK_SKEW: Duration = Duration::from_hours(1);

/// The longest that a future `createdAt` extends a marker's lifetime. Without it, a marker could live for ever.
const MAX_MARKER_EXTENSION: Duration = Duration::from_hours(366 * 24);

/// The treatment of a delivery whose event is older than a marker's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayPolicy {
    /// The event is queued, and its message reports that it is outside the replay window.
    Accept,
    /// The delivery is refused.
    Refuse,
}

/// All settings except the webhook's path.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The active signing secrets.
    pub secrets: Secrets,
    /// The way in which duplicates are recognised.
    pub dedupe: DedupeMode,
    /// The treatment of events outside the replay window.
    pub replay: ReplayPolicy,
    /// The largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// The ids of events whose markers are ignored, so that they are queued again.
    pub forget: Box<[String]>,
    dedupe_ttl: Duration,
    deadline: Duration,
}

impl Settings {
    /// Reads all settings except the webhook's path through `value`, which returns the value of a name.
    ///
    /// # Errors
    /// Returns all errors, in the order of the settings in docs/configuration.md.
    pub fn parse(value: impl Fn(&str) -> Value) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::new(&value);
        let secrets = secrets::read(&mut reader);
        let dedupe = DedupeMode::read(&mut reader);
        let dedupe_ttl = reader.number(
            "DEDUPE_TTL_SECONDS",
            &(MIN_DEDUPE_TTL_SECONDS..=MAX_DEDUPE_TTL_SECONDS),
            DEFAULT_DEDUPE_TTL_SECONDS,
        );
        let replay = reader.choice(
            "REPLAY",
            &[("accept", ReplayPolicy::Accept), ("refuse", ReplayPolicy::Refuse)],
            ReplayPolicy::Accept,
        );
        let max_body_bytes = max_body_bytes(&mut reader);
        let deadline =
            reader.number("DEADLINE_MS", &(MIN_DEADLINE_MS..=MAX_DEADLINE_MS), DEFAULT_DEADLINE_MS);
        let forget =
            reader.read("FORGET", "ids of events separated by white space or commas", |text| {
                Ok(event_ids(text.unwrap_or_default()))
            });
        let (
            Some(secrets),
            Some(dedupe),
            Some(dedupe_ttl),
            Some(replay),
            Some(max_body_bytes),
            Some(deadline),
            Some(forget),
        ) = (secrets, dedupe, dedupe_ttl, replay, max_body_bytes, deadline, forget)
        else {
            return Err(reader.into_errors());
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

    /// Returns the time budget of a delivery that arrived at `arrived`.
    #[must_use]
    pub fn budget(&self, arrived: Timestamp) -> Budget {
        Budget::new(arrived, self.deadline)
    }

    /// Returns the position of `created`, an event's `createdAt`, in the replay window at `now`.
    #[must_use]
    pub fn window(&self, created: Option<Timestamp>, now: Timestamp) -> Window {
        match created {
            None => Window::Unknown,
            Some(created) if created.since(now) > MAX_CLOCK_SKEW => Window::Unknown,
            Some(created) if now.since(created) > self.dedupe_ttl => Window::Outside,
            Some(_) => Window::Inside,
        }
    }

    /// Returns true if the event's marker must be ignored.
    #[must_use]
    pub fn forgets(&self, event_id: &EventId) -> bool {
        self.forget.iter().any(|forgotten| forgotten == event_id.as_str())
    }

    /// Returns the lifetime, from `now`, of the marker of an event created at `created`. It is the TTL, plus the time
    /// until `created` if that is in the future, so that no marker ends before its replay window.
    #[must_use]
    pub fn marker_ttl(&self, created: Option<Timestamp>, now: Timestamp) -> Duration {
        let ahead = created.map_or(Duration::ZERO, |created| created.since(now));
        self.dedupe_ttl + ahead.min(MAX_MARKER_EXTENSION)
    }
}

pub(crate) fn max_body_bytes(reader: &mut Reader<'_>) -> Option<u32> {
    let range = MIN_MAX_BODY_BYTES..=MAX_STORED_BODY_BYTES;
    reader.number("MAX_BODY_BYTES", &range, DEFAULT_MAX_BODY_BYTES)
}

fn event_ids(list: &str) -> Box<[String]> {
    let separator = |character: char| character.is_whitespace() || character == ',';
    list.split(separator).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}
