//! The type of the crate `uuid`.

use uuid::Uuid;

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;

impl Indexable for Uuid {
    fn index_value(&self) -> IndexValue {
        IndexValue::text(self.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl Ordered for Uuid {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::keeps_order;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn uuids_keep_their_order(a in any::<u128>(), b in any::<u128>()) {
            keeps_order(&Uuid::from_u128(a), &Uuid::from_u128(b))?;
            keeps_order(&Uuid::from_u128(a), &Uuid::from_u128(a.wrapping_add(1)))?;
        }
    }
}
