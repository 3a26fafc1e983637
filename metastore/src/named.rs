//! Mutations and indexed fields without their types, for those who name them in text.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Field, FieldIndex};
use crate::index::FieldValue;
use crate::json::{Limits, without_value, write_json};
use crate::mutation::Mutation;
use crate::schema::IndexKind;

/// A mutation whose result is JSON. Implemented by [`Mutation`]; not meant to be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "the result of a mutation must be `Serialize`",
    label = "this mutation's result cannot be written as JSON",
    note = "add `#[derive(Serialize)]` to the result's type: it is what `materialize` stores"
)]
pub trait NamedMutation<T: Collection>: Sync {
    /// The name, as it stands in keys.
    fn name(&self) -> &'static str;

    /// Runs it on a document and writes the result as JSON, within so many bytes and levels.
    #[doc(hidden)]
    fn write(
        &self,
        document: &T,
        bytes: usize,
        depth: usize,
        operation: &'static str,
    ) -> Result<Box<RawValue>>;
}

impl<T: Collection, R: Serialize> NamedMutation<T> for Mutation<T, R> {
    fn name(&self) -> &'static str {
        Mutation::name(self)
    }

    fn write(
        &self,
        document: &T,
        bytes: usize,
        depth: usize,
        operation: &'static str,
    ) -> Result<Box<RawValue>> {
        let mut json = Vec::with_capacity(64);
        write_json(&mut json, &self.apply(document), Limits { bytes, depth }, operation)?;
        serde_json::from_slice(&json)
            .map_err(|error| Error::new(operation, ErrorKind::Encode(error.to_string())))
    }
}

/// An indexed field without its type. Implemented by [`Field`]; not meant to be implemented by hand.
pub trait NamedField<T>: Sync {
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

impl<T, F, K: FieldIndex> NamedField<T> for Field<T, F, K> {
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
