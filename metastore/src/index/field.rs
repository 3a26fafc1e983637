//! Indexed fields as constants.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::condition::Condition;
use super::field_kind::{ByJson, ByRange, ByUnique, ByValue, FieldIndex};
use super::field_value::{FieldValue, IndexField, RangeField, SingleValue};
use super::format::{self, FieldFormat};
use super::interval::Interval;
use super::segment::segment;
use crate::key::Segment;

/// An indexed field of a collection, as its derive declares it: `Text::LANGUAGE`.
///
/// `F` is the field's type, `K` the kind of its index: [`ByValue`], [`ByRange`], [`ByUnique`] or
/// [`ByJson`].
pub struct Field<T, F, K> {
    name: &'static str,
    get: fn(&T) -> &F,
    pub(crate) codec: Codec<F>,
    kind: PhantomData<fn() -> K>,
}

/// How a field's value is encoded for an index, and how it is read from the JSON of a query.
pub(crate) struct Codec<F> {
    pub(crate) encode: fn(&F) -> FieldValue,
    pub(crate) read: fn(&Value) -> Result<F, serde_json::Error>,
}

impl<T, F, K> Clone for Field<T, F, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, F, K> Copy for Field<T, F, K> {}

impl<F> Clone for Codec<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Codec<F> {}

/// Called by generated code.
#[doc(hidden)]
impl<T, F> Field<T, F, ByValue> {
    #[must_use]
    pub const fn equality(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: IndexField + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: F::field_value, read: format::read::<F> })
    }

    /// For a field with `deserialize_with`.
    #[must_use]
    pub const fn equality_as<A>(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: IndexField,
        A: FieldFormat<F>,
    {
        Self::new(
            name,
            get,
            Codec { encode: format::field_value::<F, A>, read: format::read_as::<F, A> },
        )
    }
}

/// Called by generated code.
#[doc(hidden)]
impl<T, F> Field<T, F, ByJson> {
    #[must_use]
    pub const fn written_as<A: FieldFormat<F>>(name: &'static str, get: fn(&T) -> &F) -> Self {
        Self::new(
            name,
            get,
            Codec { encode: format::written::<F, A>, read: format::read_as::<F, A> },
        )
    }
}

/// Called by generated code.
#[doc(hidden)]
impl<T, F> Field<T, F, ByRange> {
    #[must_use]
    pub const fn range(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: RangeField + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: format::order_value::<F>, read: format::read::<F> })
    }

    /// For a field with `with`, `serialize_with` or `deserialize_with`.
    #[must_use]
    pub const fn range_as<A>(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: RangeField,
        A: FieldFormat<F>,
    {
        let encode = format::order_value_as::<F, A>;
        Self::new(name, get, Codec { encode, read: format::read_as::<F, A> })
    }
}

/// Called by generated code.
#[doc(hidden)]
impl<T, F> Field<T, F, ByUnique> {
    #[must_use]
    pub const fn unique(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: SingleValue + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: format::single_value::<F>, read: format::read::<F> })
    }

    /// For a field with `with`, `serialize_with` or `deserialize_with`.
    #[must_use]
    pub const fn unique_as<A: FieldFormat<F>>(name: &'static str, get: fn(&T) -> &F) -> Self {
        Self::new(
            name,
            get,
            Codec { encode: format::written::<F, A>, read: format::read_as::<F, A> },
        )
    }
}

impl<T, F, K> Field<T, F, K> {
    const fn new(name: &'static str, get: fn(&T) -> &F, codec: Codec<F>) -> Self {
        Self { name, get, codec, kind: PhantomData }
    }

    /// The value of a document in the index.
    pub(crate) fn of(&self, document: &T) -> FieldValue {
        (self.codec.encode)((self.get)(document))
    }
}

impl<T, F, K: FieldIndex> Field<T, F, K> {
    /// The field's name in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn segment(&self) -> Segment {
        segment(self.name, K::KIND)
    }

    pub(super) fn value(&self, value: &F) -> Result<Vec<u8>, String> {
        single((self.codec.encode)(value))
    }

    pub(super) fn condition(self, interval: Result<Interval, String>) -> Condition<T> {
        Condition::one(self.name, self.segment(), interval)
    }
}

/// The bytes of a value that is not a list.
pub(crate) fn single(value: FieldValue) -> Result<Vec<u8>, String> {
    match value {
        FieldValue::One(value) => value.into_bytes(),
        FieldValue::Each(_) => {
            Err("a list or an object is not indexed as a whole; find an element with `contains`"
                .to_owned())
        }
    }
}

/// The bytes of the only element of a list.
pub(crate) fn element(value: FieldValue) -> Result<Vec<u8>, String> {
    match value {
        FieldValue::Each(mut elements) if elements.len() == 1 => elements.remove(0).into_bytes(),
        _ => Err("the field is not stored as a list; use `eq`".to_owned()),
    }
}

/// The entries of all items that have a value, given the value in the index of `None`.
pub(crate) fn something(none: &[u8]) -> Result<Interval, String> {
    match none {
        b"0" => Ok(Interval::something()),
        _ => {
            Err("`None` is serialized as a value, so it cannot be told from other values"
                .to_owned())
        }
    }
}
