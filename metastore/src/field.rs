//! Indexed fields as constants, and the conditions that are built from them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::format::{self, FieldFormat};
use crate::index::{FieldValue, IndexField, Interval, ListField, RangeField, SingleValue};
use crate::key::Segment;
use crate::patch::QueryValue;
use crate::schema::IndexKind;

/// An indexed field of a collection, as its derive declares it: `Text::LANGUAGE`.
///
/// `F` is the field's type, `K` what its index can do: [`ByValue`], [`ByRange`], [`ByUnique`] or
/// [`ByWritten`].
pub struct Field<T, F, K> {
    name: &'static str,
    get: fn(&T) -> &F,
    pub(crate) codec: Codec<F>,
    kind: PhantomData<fn() -> K>,
}

/// How a field's value gets into an index, and how it is read from the JSON of a query.
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
    /// The field has `#[index]`, and serde writes it by a function of its own (`with`, `serialize_with`):
    /// items are found by its value, which is compared as it is written.
    ByWritten = Equality;
    /// The field has `#[index(range)]`: items are found between two values, too.
    ByRange = Range;
    /// The field has `#[unique]`: its value leads to one item.
    ByUnique = Unique;
}

/// An index whose fields of type `F` are compared with one value.
#[diagnostic::on_unimplemented(
    message = "a field of type `{F}` is a list, which is not compared as a whole",
    label = "`{F}` is a list",
    note = "find the items whose list contains an element by `contains(element)`"
)]
pub trait Comparable<F>: FieldIndex {}

#[diagnostic::do_not_recommend]
impl<F: SingleValue> Comparable<F> for ByValue {}
impl<F> Comparable<F> for ByWritten {}
impl<F> Comparable<F> for ByRange {}
impl<F> Comparable<F> for ByUnique {}

/// What the derive writes.
#[doc(hidden)]
impl<T, F> Field<T, F, ByValue> {
    #[must_use]
    pub const fn equality(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: IndexField + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: F::field_value, read: format::read::<F> })
    }

    /// Of a field that serde reads by a function of its own.
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

/// What the derive writes.
#[doc(hidden)]
impl<T, F> Field<T, F, ByWritten> {
    #[must_use]
    pub const fn written_as<A: FieldFormat<F>>(name: &'static str, get: fn(&T) -> &F) -> Self {
        Self::new(
            name,
            get,
            Codec { encode: format::written::<F, A>, read: format::read_as::<F, A> },
        )
    }
}

/// What the derive writes.
#[doc(hidden)]
impl<T, F> Field<T, F, ByRange> {
    #[must_use]
    pub const fn range(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: RangeField + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: format::order_value::<F>, read: format::read::<F> })
    }

    /// Of a field that serde writes or reads by a function of its own.
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

/// What the derive writes.
#[doc(hidden)]
impl<T, F> Field<T, F, ByUnique> {
    #[must_use]
    pub const fn unique(name: &'static str, get: fn(&T) -> &F) -> Self
    where
        F: SingleValue + DeserializeOwned,
    {
        Self::new(name, get, Codec { encode: format::single_value::<F>, read: format::read::<F> })
    }

    /// Of a field that serde writes or reads by a function of its own.
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

    /// What stands in the index for a document.
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

    /// The items whose field has this value. Takes what the field's setter in a patch takes.
    pub fn eq<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: Comparable<F>,
    {
        let value = self.value(&F::to_compare(value));
        self.condition(value.map(|value| Interval::exactly(&value)))
    }

    fn value(&self, value: &F) -> Result<Vec<u8>, String> {
        single((self.codec.encode)(value))
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

/// The bytes of a value that is no list.
pub(crate) fn single(value: FieldValue) -> Result<Vec<u8>, String> {
    match value {
        FieldValue::One(value) => value.into_bytes(),
        FieldValue::Each(_) => {
            Err("a list or an object is in no index; ask for an element by `contains`".to_owned())
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

/// All items that have a value, given what stands in the index for none.
pub(crate) fn something(none: &[u8]) -> Result<Interval, String> {
    match none {
        b"0" => Ok(Interval::something()),
        _ => Err("`None` is written as a value, so it does not stand apart from others".to_owned()),
    }
}

impl<T, F, K: FieldIndex> Field<T, Option<F>, K> {
    /// The items whose field is `None`.
    pub fn is_none(self) -> Condition<T> {
        self.condition(self.value(&None).map(|none| Interval::exactly(&none)))
    }

    /// The items whose field is not `None`.
    pub fn is_some(self) -> Condition<T> {
        self.condition(self.value(&None).and_then(|none| something(&none)))
    }
}

impl<T, F, K: FieldIndex> Field<T, F, K> {
    /// The items whose list contains this element.
    pub fn contains<V>(self, element: V) -> Condition<T>
    where
        F: ListField,
        F::Element: QueryValue<V>,
    {
        let list = F::of(F::Element::to_compare(element));
        let value = self::element((self.codec.encode)(&list));
        let interval = value.map(|value| Interval::exactly(&value));
        Condition::one(self.name, Segment::Each(self.name.to_owned()), interval)
    }
}

/// An index that finds items between two values.
#[diagnostic::on_unimplemented(
    message = "the index of this field finds equal values only",
    label = "this needs `#[index(range)]` on the field",
    note = "write `#[index(range)]` instead of `#[index]` or `#[unique]`, or ask by `eq`"
)]
pub trait HasRange: FieldIndex {}

impl HasRange for ByRange {}

/// An index whose values lead to one item each.
#[diagnostic::on_unimplemented(
    message = "several items may have the same value of this field",
    label = "this needs `#[unique]` on the field",
    note = "write `#[unique]` instead of `#[index]`, or ask by `find(….eq(value))`, which gives all items with the value"
)]
pub trait IsUnique: FieldIndex {}

impl IsUnique for ByUnique {}

/// An operator that fields do not have; implemented by nothing.
#[diagnostic::on_unimplemented(
    message = "there is no such operator on an indexed field",
    label = "not an operator of `Field`",
    note = "there are `eq`, `is_none`, `is_some`, `contains`, and with `#[index(range)]` `between`, `at_least`, `at_most`, `greater_than` and `less_than`",
    note = "for `ne`, ask for the other values by `eq`, or by `less_than` and `greater_than`, or filter the items that a query gives"
)]
pub trait OtherOperator {}

macro_rules! missing {
    ($($operator:ident)*) => {
        /// Names that other types have for operators, to say what these have.
        #[doc(hidden)]
        impl<T, F, K: FieldIndex> Field<T, F, K> {$(
            pub fn $operator<V>(self, _: V) -> Condition<T>
            where
                Self: OtherOperator,
            {
                self.condition(Err("there is no such operator".to_owned()))
            }
        )*}
    };
}

missing! { ne gt ge lt le }

impl<T, F, K: FieldIndex> Field<T, F, K> {
    /// The items whose field lies between two values, both included. None does if `from` is the
    /// greater one. For a field with `#[index(range)]`, as are the others below.
    pub fn between<V, W>(self, from: V, to: W) -> Condition<T>
    where
        F: QueryValue<V> + QueryValue<W>,
        K: HasRange,
    {
        let from = <F as QueryValue<V>>::to_compare(from);
        let to = <F as QueryValue<W>>::to_compare(to);
        let bounds = self
            .value(&from)
            .and_then(|from| self.value(&to).map(|to| Interval::between(&from, &to)));
        self.condition(bounds)
    }

    /// The items whose field is at least this.
    pub fn at_least<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: HasRange,
    {
        self.from(&F::to_compare(value), true)
    }

    /// The items whose field is greater than this.
    pub fn greater_than<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: HasRange,
    {
        self.from(&F::to_compare(value), false)
    }

    /// The items whose field is at most this.
    pub fn at_most<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: HasRange,
    {
        self.up_to(&F::to_compare(value), true)
    }

    /// The items whose field is less than this.
    pub fn less_than<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: HasRange,
    {
        self.up_to(&F::to_compare(value), false)
    }

    fn from(self, value: &F, included: bool) -> Condition<T> {
        let value = self.value(value);
        self.condition(value.map(|value| Interval::from(&value, included)))
    }

    fn up_to(self, value: &F, included: bool) -> Condition<T> {
        let value = self.value(value);
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
