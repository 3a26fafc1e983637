//! Indexes of fields: which types can be indexed, the entries of a document, and their order.

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
mod segment;
mod serialized;
#[cfg(test)]
mod tests;
mod types;
mod value;

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
pub(crate) use segment::{segment, segments};
