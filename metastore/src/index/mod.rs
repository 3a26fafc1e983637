//! Indexes of fields: which types they hold, what stands in them for a document, and in which order.

pub(crate) mod condition;
mod conversion;
mod decimal;
mod dynamic_field;
mod entries;
pub(crate) mod field;
mod field_kind;
mod field_value;
pub(crate) mod format;
mod indexable;
mod interval;
mod number;
mod operators;
mod types;
mod value;
mod written;

pub use condition::Condition;
pub use conversion::{PatchValue, QueryValue};
pub use dynamic_field::DynamicField;
pub use field::Field;
pub use field_kind::{
    ByJson, ByRange, ByUnique, ByValue, Comparable, FieldIndex, HasRange, IsUnique, OtherOperator,
};
pub use field_value::{FieldValue, IndexField, ListField, RangeField, SingleValue};
pub use indexable::{Indexable, Ordered};
pub use value::IndexValue;

pub(crate) use entries::Entries;
pub(crate) use interval::Interval;
pub(crate) use written::field_value as written_value;

#[cfg(test)]
mod tests {
    use proptest::test_runner::TestCaseError;

    use super::field_value::RangeField;

    /// What every type with an order promises: `a < b` in the index exactly if it is so in Rust.
    pub(super) fn keeps_order<V>(a: &V, b: &V) -> Result<(), TestCaseError>
    where
        V: RangeField + PartialOrd + std::fmt::Debug,
    {
        // As they stand in an index, where more follows behind the value.
        let entry = |value: &V| {
            let mut bytes = value.order_value().into_bytes().expect("an index can hold it");
            bytes.extend(b"\x000193a1b2c3d4x");
            bytes
        };
        let (found, expected) = (entry(a).cmp(&entry(b)), a.partial_cmp(b));
        if Some(found) == expected {
            return Ok(());
        }
        Err(TestCaseError::fail(format!(
            "{a:?} {b:?}: {expected:?} in Rust, {found:?} in the index"
        )))
    }
}
