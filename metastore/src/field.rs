//! Indexed fields as constants, and the conditions that are built from them.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::index::{Interval, encode};
use crate::key::Segment;
use crate::patch::PatchValue;
use crate::schema::IndexKind;

/// An indexed field of a collection, as its derive declares it: `Text::LANGUAGE`.
///
/// `F` is the field's type, `K` what its index can do: [`ByValue`], [`ByRange`] or [`ByClaim`].
pub struct Field<T, F, K> {
    name: &'static str,
    document: PhantomData<fn(&T)>,
    types: PhantomData<fn() -> (F, K)>,
}

impl<T, F, K> Clone for Field<T, F, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, F, K> Copy for Field<T, F, K> {}

/// What the index of a field can do; sealed.
pub trait FieldIndex: sealed::Sealed {
    #[doc(hidden)]
    const KIND: IndexKind;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! field_index {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(());

        impl sealed::Sealed for $name {}

        impl FieldIndex for $name {
            const KIND: IndexKind = IndexKind::$kind;
        }
    )*};
}

field_index! {
    /// The field has `#[index]`: items are found by its value.
    ByValue = Equality;
    /// The field has `#[index(range)]`: items are found between two values, too.
    ByRange = Range;
    /// The field has `#[unique]`: its value leads to one item.
    ByClaim = Unique;
}

/// A field that holds a list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list",
    label = "`contains` is for fields such as `Vec<String>`; use `eq`"
)]
pub trait ListField {
    /// What is in the list.
    type Element;
}

impl<E> ListField for Vec<E> {
    type Element = E;
}

impl<E> ListField for VecDeque<E> {
    type Element = E;
}

impl<E> ListField for BTreeSet<E> {
    type Element = E;
}

impl<E, S> ListField for HashSet<E, S> {
    type Element = E;
}

impl<L: ListField> ListField for Option<L> {
    type Element = L::Element;
}

impl<T, F, K: FieldIndex> Field<T, F, K> {
    /// What the derive writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, document: PhantomData, types: PhantomData }
    }

    /// The field's name in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn segment(&self) -> Segment {
        segment(self.name, K::KIND)
    }

    /// The items whose field has this value. Takes what the field's setter in a patch takes.
    pub fn eq(self, value: impl PatchValue<F>) -> Condition<T>
    where
        F: Serialize,
    {
        let value = self.value(&value.into_field());
        self.condition(value.map(|value| Interval::exactly(&value)))
    }

    fn value<V: Serialize>(&self, value: &V) -> Result<Vec<u8>, String> {
        let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
        encode_value(&value, K::KIND)
    }

    fn condition(self, interval: Result<Interval, String>) -> Condition<T> {
        Condition::one(self.name, self.segment(), interval)
    }
}

/// The index that leads from a field's value to its items.
pub(crate) fn segment(field: &str, kind: IndexKind) -> Segment {
    match kind {
        IndexKind::Equality | IndexKind::Range => Segment::By(field.to_owned()),
        IndexKind::Unique => Segment::Unique(field.to_owned()),
    }
}

pub(crate) fn encode_value(value: &Value, kind: IndexKind) -> Result<Vec<u8>, String> {
    encode(value, kind)
        .ok_or_else(|| "a list or an object is in no index; ask for an element".into())
}

impl<T, F, K: FieldIndex> Field<T, Option<F>, K> {
    /// The items whose field is `None`.
    pub fn is_none(self) -> Condition<T> {
        self.condition(Ok(Interval::exactly(b"0")))
    }

    /// The items whose field is not `None`.
    pub fn is_some(self) -> Condition<T> {
        self.condition(Ok(Interval::something()))
    }
}

impl<T, F: ListField, K: FieldIndex> Field<T, F, K> {
    /// The items whose list contains this element.
    pub fn contains(self, element: impl PatchValue<F::Element>) -> Condition<T>
    where
        F::Element: Serialize,
    {
        let value = self.value(&element.into_field());
        let interval = value.map(|value| Interval::exactly(&value));
        Condition::one(self.name, Segment::Each(self.name.to_owned()), interval)
    }
}

impl<T, F: Serialize> Field<T, F, ByRange> {
    /// The items whose field lies between two values, both included. None does if `from` is the
    /// greater one.
    pub fn between(self, from: impl PatchValue<F>, to: impl PatchValue<F>) -> Condition<T> {
        let bounds = self
            .value(&from.into_field())
            .and_then(|from| self.value(&to.into_field()).map(|to| Interval::between(&from, &to)));
        self.condition(bounds)
    }

    /// The items whose field is at least this.
    pub fn at_least(self, value: impl PatchValue<F>) -> Condition<T> {
        self.from(value, true)
    }

    /// The items whose field is greater than this.
    pub fn greater_than(self, value: impl PatchValue<F>) -> Condition<T> {
        self.from(value, false)
    }

    /// The items whose field is at most this.
    pub fn at_most(self, value: impl PatchValue<F>) -> Condition<T> {
        self.up_to(value, true)
    }

    /// The items whose field is less than this.
    pub fn less_than(self, value: impl PatchValue<F>) -> Condition<T> {
        self.up_to(value, false)
    }

    fn from(self, value: impl PatchValue<F>, included: bool) -> Condition<T> {
        let value = self.value(&value.into_field());
        self.condition(value.map(|value| Interval::from(&value, included)))
    }

    fn up_to(self, value: impl PatchValue<F>, included: bool) -> Condition<T> {
        let value = self.value(&value.into_field());
        self.condition(value.map(|value| Interval::up_to(&value, included)))
    }
}

/// Which items a query is to find. Made from the constants of indexed fields.
#[must_use = "a condition finds nothing until it is given to `find`"]
pub struct Condition<T> {
    pub(crate) parts: Vec<Part>,
    /// The first value that cannot be looked for.
    pub(crate) wrong: Option<ErrorKind>,
    document: PhantomData<fn(&T)>,
}

/// One stretch of one index.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) segment: Segment,
    pub(crate) interval: Interval,
}

impl<T> Condition<T> {
    pub(crate) fn one(field: &str, segment: Segment, interval: Result<Interval, String>) -> Self {
        match interval {
            Ok(interval) => {
                let parts = vec![Part { segment, interval }];
                Self { parts, wrong: None, document: PhantomData }
            }
            Err(reason) => {
                let wrong = ErrorKind::Unindexable { field: field.to_owned(), reason };
                Self { parts: Vec::new(), wrong: Some(wrong), document: PhantomData }
            }
        }
    }

    /// The items that meet both conditions.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.wrong = self.wrong.or(other.wrong);
        self
    }

    pub(crate) fn check(self, operation: &'static str) -> Result<Vec<Part>, Error> {
        match self.wrong {
            None => Ok(self.parts),
            Some(kind) => Err(Error::new(operation, kind)),
        }
    }
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), wrong: self.wrong.clone(), document: PhantomData }
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("parts", &self.parts).finish_non_exhaustive()
    }
}
