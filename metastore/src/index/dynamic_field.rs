//! Indexed fields without their types, for callers that name them in text.

use serde_json::Value;

use super::FieldValue;
use super::field::Field;
use super::field_kind::FieldIndex;
use crate::error::Result;
use crate::json::without_value;
use crate::schema::IndexKind;

/// An indexed field without its type. Implemented by [`Field`]; not meant to be implemented by hand.
pub trait DynamicField<T>: Sync {
    /// The field's name in JSON.
    fn name(&self) -> &'static str;

    /// What its index can do.
    fn kind(&self) -> IndexKind;

    /// What stands in the index for a document.
    #[doc(hidden)]
    fn of(&self, document: &T) -> FieldValue;

    /// What stands in the index for a value as JSON, or why the field cannot have it.
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
