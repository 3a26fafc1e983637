//! Indexed fields without their types, for the dynamic API.

use serde_json::Value;

use super::field::Field;
use super::field_kind::FieldIndex;
use super::field_value::FieldValue;
use crate::error::Result;
use crate::json::without_value;
use crate::schema::IndexKind;

/// An indexed field without its type. Implemented by [`Field`]; do not implement it yourself.
pub trait DynamicField<T>: Sync {
    /// The field's name in JSON.
    fn name(&self) -> &'static str;

    /// The kind of its index.
    fn kind(&self) -> IndexKind;

    /// The value of a document in the index.
    #[doc(hidden)]
    fn of(&self, document: &T) -> FieldValue;

    /// The value in the index of a JSON value, or why the field cannot have it.
    #[doc(hidden)]
    fn encode(&self, value: &Value) -> Result<FieldValue, String>;
}

impl<T, F, K: FieldIndex> DynamicField<T> for Field<T, F, K> {
    fn name(&self) -> &'static str {
        Field::name(self)
    }

    fn kind(&self) -> IndexKind {
        K::KIND
    }

    fn of(&self, document: &T) -> FieldValue {
        Field::of(self, document)
    }

    fn encode(&self, value: &Value) -> Result<FieldValue, String> {
        let typed = (self.codec.read)(value).map_err(|error| without_value(&error))?;
        Ok((self.codec.encode)(&typed))
    }
}
