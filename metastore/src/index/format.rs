//! How an indexed field with `with`, `serialize_with` or `deserialize_with` is serialized.
//!
//! A value is serialized and read back before it is indexed or searched for, so that the value in a
//! program and the value that is read later are equal: a time that is stored in whole seconds is
//! compared in whole seconds.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::field_value::{FieldValue, IndexField, RangeField, SingleValue};
use super::serialized::field_value as serialized_value;
use super::value::IndexValue;

/// The functions of one field. Implemented by the derive.
pub trait FieldFormat<F> {
    /// Serializes a value as serde's derive does.
    fn serialize<S: Serializer>(value: &F, serializer: S) -> Result<S::Ok, S::Error>;

    /// Deserializes a value as serde's derive does.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<F, D::Error>;
}

struct Written<'a, F, A>(&'a F, PhantomData<A>);

impl<F, A: FieldFormat<F>> Serialize for Written<'_, F, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        A::serialize(self.0, serializer)
    }
}

/// The value as it will be read after it was stored.
fn read_back<F, A: FieldFormat<F>>(value: &F) -> Result<F, String> {
    let written: Written<'_, F, A> = Written(value, PhantomData);
    let json = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
    let mut reader = serde_json::Deserializer::from_slice(&json);
    A::deserialize(&mut reader).map_err(|_| "what is serialized cannot be read back".to_owned())
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

/// The value in an index of a value of any type: what its function serializes.
pub(crate) fn written<F, A: FieldFormat<F>>(value: &F) -> FieldValue {
    let written = read_back::<F, A>(value).and_then(|value| {
        let value: Written<'_, F, A> = Written(&value, PhantomData);
        serialized_value(&value)
    });
    written.unwrap_or_else(refused)
}
