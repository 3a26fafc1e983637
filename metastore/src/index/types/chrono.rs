//! Types of the crate `chrono`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike as _};

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;

impl Indexable for NaiveDateTime {
    fn index_value(&self) -> IndexValue {
        // A leap second has more than a second's nanoseconds, and is ordered by them.
        IndexValue::time(self.and_utc().timestamp(), self.nanosecond())
    }
}

impl<Z: TimeZone> Indexable for DateTime<Z> {
    fn index_value(&self) -> IndexValue {
        self.naive_utc().index_value()
    }
}

impl Indexable for NaiveDate {
    fn index_value(&self) -> IndexValue {
        self.and_time(NaiveTime::MIN).index_value()
    }
}

impl Indexable for NaiveTime {
    fn index_value(&self) -> IndexValue {
        IndexValue::time(self.num_seconds_from_midnight().into(), self.nanosecond())
    }
}

impl<Z: TimeZone> Ordered for DateTime<Z> {}
impl Ordered for NaiveDateTime {}
impl Ordered for NaiveDate {}
impl Ordered for NaiveTime {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::keeps_order;
    use chrono::{FixedOffset, Utc};
    use proptest::prelude::*;

    fn times() -> impl Strategy<Value = (DateTime<Utc>, DateTime<Utc>)> {
        let anywhere = -8_000_000_000_000i64..8_000_000_000_000;
        (anywhere.clone(), anywhere, 0u32..1_000_000_000, any::<u32>(), any::<bool>()).prop_map(
            |(a, b, nanoseconds, more, near)| {
                let b = if near { a } else { b };
                let time = |seconds, nanoseconds| {
                    DateTime::from_timestamp(seconds, nanoseconds).expect("in range")
                };
                (time(a, nanoseconds), time(b, more % 1_000_000_000))
            },
        )
    }

    proptest! {
        #[test]
        fn times_keep_their_order((a, b) in times(), hours in -12i32..=12) {
            keeps_order(&a, &b)?;
            let zone = FixedOffset::east_opt(hours * 3_600).expect("in range");
            prop_assert_eq!(a.with_timezone(&zone).index_value(), a.index_value());
            keeps_order(&a.naive_utc(), &b.naive_utc())?;
            keeps_order(&a.date_naive(), &b.date_naive())?;
            keeps_order(&a.time(), &b.time())?;
        }
    }

    #[test]
    fn leap_seconds_and_the_ends_of_time_have_a_place() {
        let second = |nanoseconds| {
            NaiveDate::from_ymd_opt(2016, 12, 31)
                .and_then(|day| day.and_hms_nano_opt(23, 59, 59, nanoseconds))
                .expect("a leap second")
        };
        let next = NaiveDate::from_ymd_opt(2017, 1, 1).expect("a day").and_time(NaiveTime::MIN);
        for pair in [(999_999_999, 1_000_000_000), (1_000_000_000, 1_999_999_999)] {
            keeps_order(&second(pair.0), &second(pair.1)).unwrap();
            keeps_order(&second(pair.1), &next).unwrap();
        }
        keeps_order(&NaiveDateTime::MIN, &NaiveDateTime::MAX).unwrap();
    }
}
