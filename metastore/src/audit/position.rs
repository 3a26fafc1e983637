//! The position of an entry in its stream.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};
use crate::time::Timestamp;

/// The position of an audit entry in its trail or feed: its time and its number within the
/// millisecond.
///
/// A position is written and parsed as text such as `1767225600000-0`, so that a reader can store
/// it and continue later. It belongs to the trail or the feed that it came from.
///
/// ```
/// use metastore::AuditPosition;
///
/// let position: AuditPosition = "1767225600000-0".parse().unwrap();
/// assert_eq!(position.at().to_string(), "2026-01-01T00:00:00.000Z");
/// assert_eq!(position.to_string(), "1767225600000-0");
/// assert!("yesterday".parse::<AuditPosition>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditPosition {
    millis: u64,
    number: u64,
}

impl AuditPosition {
    /// Before anything.
    pub(crate) const MIN: Self = Self { millis: 0, number: 0 };

    /// After anything.
    pub(crate) const MAX: Self = Self { millis: u64::MAX, number: u64::MAX };

    /// When the entry was written, on the server's clock.
    #[must_use]
    pub fn at(self) -> Timestamp {
        Timestamp::from_millis(self.millis)
    }

    /// The first position of a millisecond.
    pub(crate) fn first_of(time: Timestamp) -> Self {
        Self { millis: time.as_millis(), number: 0 }
    }

    /// The position before this one; `None` before the first of all.
    pub(crate) fn before(self) -> Option<Self> {
        match self.number.checked_sub(1) {
            Some(number) => Some(Self { number, ..self }),
            None => Some(Self { millis: self.millis.checked_sub(1)?, number: u64::MAX }),
        }
    }
}

impl fmt::Display for AuditPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl fmt::Debug for AuditPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditPosition({self})")
    }
}

impl FromStr for AuditPosition {
    type Err = Error;

    /// Reads what `Display` wrote; anything else is `InvalidArgument`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('-').and_then(|(millis, number)| {
            Some(Self { millis: millis.parse().ok()?, number: number.parse().ok()? })
        });
        // One spelling only: no sign, no leading zero.
        parsed.filter(|position| position.to_string() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            let message = format!(
                "{shown:?} is no position of an audit entry; expected such as `1767225600000-0`"
            );
            Error::new("audit", ErrorKind::InvalidArgument(message))
        })
    }
}

impl Serialize for AuditPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AuditPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_position_are_inverse_and_sort_alike(a: (u64, u64), b: (u64, u64)) {
            let [a, b] = [a, b].map(|(millis, number)| AuditPosition { millis, number });
            prop_assert_eq!(a.to_string().parse::<AuditPosition>().unwrap(), a);
            prop_assert_eq!(a.cmp(&b), (a.millis, a.number).cmp(&(b.millis, b.number)));
            if let Some(before) = a.before() {
                prop_assert!(before < a);
            }
        }

        #[test]
        fn what_parses_is_spelt_as_it_would_be_written(text in "[0-9+ -]{0,24}") {
            if let Ok(position) = text.parse::<AuditPosition>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }

    #[test]
    fn there_is_nothing_before_the_first() {
        assert_eq!(AuditPosition::MIN.before(), None);
        let next = AuditPosition { millis: 1, number: 0 };
        assert_eq!(next.before().unwrap().to_string(), format!("0-{}", u64::MAX));
    }
}
