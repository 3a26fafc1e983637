//! Types of the crate `jiff`. The feature `jiff` enables its feature `serde`, which documents need.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ZonedDateTime};

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;

/// A time by RFC 3339, with any offset and any number of digits of its seconds.
pub(super) fn time_in(text: &str) -> Option<IndexValue> {
    let bytes = text.as_bytes();
    let looks_right = bytes.len() >= 20
        && [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')].iter().all(|&(at, c)| bytes[at] == c)
        && matches!(bytes[10], b'T' | b't');
    let time: Timestamp = looks_right.then(|| text.parse().ok()).flatten()?;
    Some(time.index_value())
}

fn instant(nanoseconds: i128) -> IndexValue {
    const SECOND: i128 = 1_000_000_000;
    // Within ten thousand years of the epoch, so both conversions succeed.
    let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).unwrap_or(i64::MAX);
    IndexValue::time(seconds, u32::try_from(nanoseconds.rem_euclid(SECOND)).unwrap_or_default())
}

fn civil(at: DateTime) -> IndexValue {
    instant(at.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_nanos())
}

impl Indexable for Timestamp {
    fn index_value(&self) -> IndexValue {
        instant(self.as_nanosecond())
    }
}

impl Indexable for ZonedDateTime {
    fn index_value(&self) -> IndexValue {
        self.timestamp().index_value()
    }
}

impl Indexable for DateTime {
    fn index_value(&self) -> IndexValue {
        civil(*self)
    }
}

impl Indexable for Date {
    fn index_value(&self) -> IndexValue {
        civil(self.at(0, 0, 0, 0))
    }
}

impl Indexable for Time {
    fn index_value(&self) -> IndexValue {
        civil(Date::constant(1970, 1, 1).to_datetime(*self))
    }
}

impl Ordered for Timestamp {}
impl Ordered for ZonedDateTime {}
impl Ordered for DateTime {}
impl Ordered for Date {}
impl Ordered for Time {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::keeps_order;
    use jiff::tz::Offset;
    use proptest::prelude::*;

    /// A time anywhere, or one that is near another.
    fn times() -> impl Strategy<Value = (Timestamp, Timestamp)> {
        let anywhere = -60_000_000_000i64..250_000_000_000;
        (anywhere.clone(), anywhere, 0i32..1_000_000_000, -2i64..=2, any::<bool>()).prop_map(
            |(a, b, nanoseconds, step, near)| {
                let first = Timestamp::new(a, if a < 0 { -nanoseconds } else { nanoseconds });
                let first = first.expect("in range");
                let near_it = Timestamp::from_nanosecond(first.as_nanosecond() + i128::from(step));
                let second = if near { near_it } else { Timestamp::from_second(b) };
                (first, second.expect("in range"))
            },
        )
    }

    proptest! {
        #[test]
        fn times_keep_their_order((a, b) in times()) {
            keeps_order(&a, &b)?;
            let (x, y) = (Offset::UTC.to_datetime(a), Offset::UTC.to_datetime(b));
            keeps_order(&x, &y)?;
            keeps_order(&x.date(), &y.date())?;
            keeps_order(&x.time(), &y.time())?;
        }

        #[test]
        fn times_in_any_zone_keep_their_order((a, b) in times(), hours in -12i8..=12) {
            let zone = Offset::from_hours(hours).expect("in range");
            keeps_order(&a.to_zoned_datetime(zone.to_time_zone()), &b.to_zoned_datetime(Offset::UTC.to_time_zone()))?;
            let text = a.display_with_offset(zone).to_string();
            prop_assert_eq!(Ordered::order_value(&*text), a.index_value(), "{}", text);
        }
    }

    #[test]
    fn the_last_hours_that_can_be_written_have_a_place() {
        keeps_order(&DateTime::MIN, &DateTime::MAX).unwrap();
        keeps_order(&DateTime::MAX.date(), &DateTime::MAX.date()).unwrap();
        assert!(DateTime::MAX.index_value().into_bytes().is_ok());
    }

    #[test]
    fn only_text_that_is_a_time_is_taken_for_one_and_only_in_a_range() {
        for text in ["2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "yesterday"] {
            assert_eq!(Ordered::order_value(text), IndexValue::text(text), "{text}");
        }
        let text = "2024-01-01T00:00:00Z";
        assert_ne!(Ordered::order_value(text), text.index_value());
    }
}
