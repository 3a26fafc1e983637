//! How a field with an index is written and read, where serde does it by functions of the user's own
//! (`with`, `serialize_with`, `deserialize_with`).
//!
//! A value is written and read back before it is put into an index or looked for there, so that what a
//! program has in hand and what it reads later are the same value: a time that is stored in whole seconds
//! is compared in whole seconds.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::index::{FieldValue, IndexField, IndexValue, RangeField, SingleValue, written_value};

/// The functions of one field. The derive implements it.
pub trait FieldFormat<F> {
    /// Writes a value as serde's derive does.
    fn serialize<S: Serializer>(value: &F, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads a value as serde's derive does.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<F, D::Error>;
}

struct Written<'a, F, A>(&'a F, PhantomData<A>);

impl<F, A: FieldFormat<F>> Serialize for Written<'_, F, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        A::serialize(self.0, serializer)
    }
}

/// The value as it will be once it was stored.
fn read_back<F, A: FieldFormat<F>>(value: &F) -> Result<F, String> {
    let written: Written<'_, F, A> = Written(value, PhantomData);
    let json = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
    let mut reader = serde_json::Deserializer::from_slice(&json);
    A::deserialize(&mut reader).map_err(|_| "what is written does not read back".to_owned())
}

fn refused(reason: String) -> FieldValue {
    FieldValue::One(IndexValue::refused(reason))
}

pub(crate) fn read<F: DeserializeOwned>(value: &Value) -> Result<F, serde_json::Error> {
    F::deserialize(value)
}

pub(crate) fn read_as<F, A: FieldFormat<F>>(value: &Value) -> Result<F, serde_json::Error> {
    A::deserialize(value)
}

pub(crate) fn single_value<F: SingleValue>(value: &F) -> FieldValue {
    FieldValue::One(value.single_value())
}

pub(crate) fn order_value<F: RangeField>(value: &F) -> FieldValue {
    FieldValue::One(value.order_value())
}

pub(crate) fn order_value_as<F: RangeField, A: FieldFormat<F>>(value: &F) -> FieldValue {
    read_back::<F, A>(value).map_or_else(refused, |value| order_value(&value))
}

pub(crate) fn field_value<F: IndexField, A: FieldFormat<F>>(value: &F) -> FieldValue {
    read_back::<F, A>(value).map_or_else(refused, |value| value.field_value())
}

/// What stands in an index for a value of any type: what its function writes.
pub(crate) fn written<F, A: FieldFormat<F>>(value: &F) -> FieldValue {
    let written = read_back::<F, A>(value).and_then(|value| {
        let value: Written<'_, F, A> = Written(&value, PhantomData);
        written_value(&value)
    });
    written.unwrap_or_else(refused)
}
