//! Points in time in documents and replies.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A point in time on the server's clock, in milliseconds since 1970-01-01 UTC.
///
/// Displays as RFC 3339 in UTC, and parses RFC 3339 with any offset.
///
/// ```
/// use metastore::Timestamp;
///
/// assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
/// let noon: Timestamp = "2026-11-24T13:00:00+01:00".parse()?;
/// assert_eq!(noon.to_string(), "2026-11-24T12:00:00.000Z");
/// # Ok::<(), metastore::InvalidTime>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = u64::deserialize(deserializer)?;
        if millis > Self::MAX_SHOWN {
            return Err(D::Error::custom("a time is at most 253402207200999 ms, in the year 9999"));
        }
        Ok(Self(millis))
    }
}

impl Timestamp {
    /// The latest time that can be displayed: 9999-12-30T22:00:00.999Z.
    const MAX_SHOWN: u64 = 253_402_207_200_999;

    /// A time from milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This time plus a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The time since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole milliseconds, as Redis counts.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(time.0.min(Timestamp::MAX_SHOWN))
    }
}

/// A time before 1970 becomes 1970; fractions of a millisecond are truncated.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, millis))
    }
}

/// Text that is not a time as RFC 3339 writes it, or one before 1970.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time from 1970 on: write it as RFC 3339, such as 2026-11-24T13:00:00Z")]
pub struct InvalidTime(String);

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let time: Option<jiff::Timestamp> = text.parse().ok();
        time.and_then(|time| u64::try_from(time.as_millisecond()).ok())
            .map(Self)
            .ok_or_else(|| InvalidTime(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = i64::try_from(self.0.min(Self::MAX_SHOWN)).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(shown).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<u64> {
        text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
    }

    #[test]
    fn what_is_shown_reads_back() {
        for time in [0, 1, 999, 1_795_521_600_000, Timestamp::MAX_SHOWN] {
            assert_eq!(parsed(&Timestamp(time).to_string()), Some(time));
        }
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(parsed(&Timestamp(u64::MAX).to_string()), Some(Timestamp::MAX_SHOWN));
    }

    #[test]
    fn offsets_and_fractions_count() {
        assert_eq!(parsed("1970-01-02T00:00:00Z"), Some(86_400_000));
        assert_eq!(parsed("1970-01-02T00:00:00+00:00"), Some(86_400_000));
        assert_eq!(parsed("1970-01-02T02:30:00+02:30"), Some(86_400_000));
        assert_eq!(parsed("1970-01-01T19:00:00.25-05:00"), Some(86_400_250));
        assert_eq!(parsed("1970-01-01T00:00:00.0019999Z"), Some(1));
    }

    #[test]
    fn what_is_no_time_is_refused_and_named() {
        for wrong in [
            "",
            "Z",
            "now",
            "2026-11-24",
            "2026-11-24T13:00:00",
            "2026-13-24T13:00:00Z",
            "2026-11-24T25:00:00Z",
            "2026-11-24T13:00:00+1:00",
            "2026-11-24T13:00:00+99:00",
            "2026-11-24T13:00:00+00:00+00:00",
            "2026-11-24T13:00:00é1:00",
            "1970-01-01T00:00:00+00:01",
            "1969-12-31T23:59:59Z",
        ] {
            let refused = wrong.parse::<Timestamp>();
            assert!(refused.is_err(), "{wrong:?} gave {refused:?}");
        }
        let error = "soon".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("`soon`"), "{error}");
    }

    #[test]
    fn system_times_are_cut_to_milliseconds_from_1970_on() {
        assert_eq!(Timestamp::from(UNIX_EPOCH + Duration::from_micros(1_999)).as_millis(), 1);
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)).as_millis(), 0);
        let now = SystemTime::now();
        let back = SystemTime::from(Timestamp::from(now));
        assert!(now.duration_since(back).unwrap() < Duration::from_millis(1));
    }
}
