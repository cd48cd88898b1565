//! Points in time, from the sender or from the platform's clock.

use core::fmt;
use core::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a point in time from milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date and time, and drops fractions of a millisecond. Returns `None` if the text is not one.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(parsed.timestamp_millis()))
    }

    /// Returns the time from `earlier` to this point, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// Returns the point that is later by `duration`, of which at most `i64::MAX` milliseconds count. It saturates
    /// instead of overflowing.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Returns the point that is earlier by `duration`, of which at most `i64::MAX` milliseconds count. It saturates
    /// instead of overflowing.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Writes RFC 3339 in UTC with milliseconds: `2026-11-24T06:55:27.123Z`. A point more than about 262,000 years away
/// is written as 1970-01-01.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        formatter.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_from_and_written_as_rfc3339() {
        let time = Timestamp::parse_rfc3339("2026-11-24T08:55:27.123+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-11-24T06:55:27.123Z");
        for wrong in ["", "2026-11-24", "yesterday", "1700000000", "2026-13-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        assert!(last.minus(Duration::MAX) < Timestamp::from_millis(1));
        assert_eq!(
            last.since(Timestamp::from_millis(i64::MIN)),
            Duration::from_millis(i64::MAX as u64)
        );
        assert_eq!(Timestamp::from_millis(0).since(last), Duration::ZERO);
        assert!(!last.to_string().is_empty());
    }
}
