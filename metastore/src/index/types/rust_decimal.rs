//! The type of the crate `rust_decimal`. Its JSON may be text or a number; the order is that of the
//! numbers in both cases.

use rust_decimal::Decimal;

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;

impl Indexable for Decimal {
    fn index_value(&self) -> IndexValue {
        IndexValue::decimal(&self.to_string())
    }
}

impl Ordered for Decimal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::keeps_order;
    use proptest::prelude::*;

    fn decimal() -> impl Strategy<Value = Decimal> {
        let any = (any::<i128>(), 0u32..=28)
            .prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits >> 32, scale));
        let small = (-2_000i64..2_000, 0u32..4).prop_map(|(n, scale)| Decimal::new(n, scale));
        prop_oneof![any, small]
    }

    proptest! {
        #[test]
        fn decimals_keep_their_order(a in decimal(), b in decimal(), scale in 0u32..28) {
            keeps_order(&a, &b)?;
            let mut longer = a;
            longer.rescale(scale);
            keeps_order(&a, &longer)?;
            keeps_order(&a, &a.normalize())?;
            keeps_order(&a, &-a)?;
        }
    }

    #[test]
    fn the_greatest_and_the_smallest_have_a_place() {
        keeps_order(&Decimal::MAX, &Decimal::MIN).unwrap();
        keeps_order(&Decimal::ZERO, &-Decimal::ZERO).unwrap();
        keeps_order(&Decimal::new(1, 28), &Decimal::ZERO).unwrap();
    }
}
