//! Types of the crate `time`.

use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;

impl Indexable for OffsetDateTime {
    fn index_value(&self) -> IndexValue {
        IndexValue::time(self.unix_timestamp(), self.nanosecond())
    }
}

impl Indexable for PrimitiveDateTime {
    fn index_value(&self) -> IndexValue {
        self.assume_utc().index_value()
    }
}

impl Indexable for Date {
    fn index_value(&self) -> IndexValue {
        self.midnight().index_value()
    }
}

impl Indexable for Time {
    fn index_value(&self) -> IndexValue {
        let (hours, minutes, seconds, nanoseconds) = self.as_hms_nano();
        let minutes = i64::from(hours) * 60 + i64::from(minutes);
        IndexValue::time(minutes * 60 + i64::from(seconds), nanoseconds)
    }
}

impl Ordered for OffsetDateTime {}
impl Ordered for PrimitiveDateTime {}
impl Ordered for Date {}
impl Ordered for Time {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::keeps_order;
    use proptest::prelude::*;
    use time::UtcOffset;

    fn times() -> impl Strategy<Value = (OffsetDateTime, OffsetDateTime)> {
        let anywhere = -300_000_000_000i64..250_000_000_000;
        (anywhere.clone(), anywhere, 0i128..1_000_000_000, -2i128..=2, any::<bool>()).prop_map(
            |(a, b, nanoseconds, step, near)| {
                let time = |nanoseconds| {
                    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).expect("in range")
                };
                let first = i128::from(a) * 1_000_000_000 + nanoseconds;
                let second = if near { first + step } else { i128::from(b) * 1_000_000_000 };
                (time(first), time(second))
            },
        )
    }

    proptest! {
        #[test]
        fn times_keep_their_order((a, b) in times(), hours in -12i8..=12) {
            keeps_order(&a, &b)?;
            let zone = UtcOffset::from_hms(hours, 0, 0).expect("in range");
            prop_assert_eq!(a.to_offset(zone).index_value(), a.index_value());
            let primitive = |at: OffsetDateTime| PrimitiveDateTime::new(at.date(), at.time());
            keeps_order(&primitive(a), &primitive(b))?;
            keeps_order(&a.date(), &b.date())?;
            keeps_order(&a.time(), &b.time())?;
        }
    }
}
