//! Durations in attributes: a number and a unit, such as `30s`.

use std::num::NonZeroU64;

/// What a duration looks like, for messages.
pub(crate) const EXAMPLES: &str =
    "a whole number and a unit (`ms`, `s`, `m`, `h`, `d` or `w`), such as \"30s\" or \"10m\"";

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 60 * 60 * SECOND),
    ("d", DAY),
    ("w", 7 * DAY),
];
const SECOND: u64 = 1000;
const DAY: u64 = 24 * 60 * 60 * SECOND;

/// The milliseconds of a duration of at most `limit`, or what is wrong with it.
pub(crate) fn parse(text: &str, limit: Limit) -> Result<NonZeroU64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if number.is_empty() {
        return Err(format!("`{text}` is not a duration: write {EXAMPLES}"));
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit: write {EXAMPLES}"));
    }
    let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("`{unit}` is not a unit of time: write {EXAMPLES}"));
    };
    // A number that overflows is above every limit, so both have the same message.
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*scale));
    match millis.map(NonZeroU64::new) {
        Some(None) => Err("a duration must not be zero".to_owned()),
        Some(Some(millis)) if millis.get() <= limit.millis => Ok(millis),
        _ => Err(format!("`{text}` is too long: the most is {}", limit.text)),
    }
}

/// The longest duration that an option takes.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    millis: u64,
    text: &'static str,
}

impl Limit {
    /// For a time to live: added to the clock it is far within the range of Redis.
    pub(crate) const TTL: Self = Self { millis: 36_500 * DAY, text: "36500d, a hundred years" };
    /// For one run of a handler, because a longer lease is never returned in time.
    pub(crate) const TIMEOUT: Self = Self { millis: DAY, text: "24h" };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        parse(text, Limit::TTL).ok().map(NonZeroU64::get)
    }

    #[test]
    fn every_unit_counts_in_milliseconds() {
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("10m"), Some(600_000));
        assert_eq!(millis("1h"), Some(3_600_000));
        assert_eq!(millis("30d"), Some(30 * DAY));
        assert_eq!(millis("2w"), Some(14 * DAY));
        assert_eq!(millis("007s"), Some(7_000));
    }

    #[test]
    fn what_is_not_a_number_and_a_unit_is_refused() {
        for bad in ["", "s", "10", "10 s", "1.5h", "-1s", "+1s", "1h30m", "10S", "10sec", "١s"] {
            assert_eq!(millis(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn zero_overflow_and_the_limit_are_refused() {
        for bad in ["0s", "00ms", "18446744073709551616ms", "18446744073709551615w", "36501d"] {
            assert_eq!(millis(bad), None, "{bad:?}");
        }
        assert_eq!(millis("36500d"), Some(36_500 * DAY));
        assert!(parse("24h", Limit::TIMEOUT).is_ok());
        assert!(parse("86401s", Limit::TIMEOUT).is_err());
    }

    #[test]
    fn the_message_says_what_to_write() {
        let message = parse("10", Limit::TTL).expect_err("has no unit");
        assert!(message.contains("no unit") && message.contains("\"30s\""), "{message}");
    }
}
