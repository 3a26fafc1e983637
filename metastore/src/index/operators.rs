//! The operators of indexed fields, which return conditions.

use super::condition::Condition;
use super::conversion::QueryValue;
use super::field::{Field, element, something};
use super::field_kind::{Comparable, FieldIndex, HasRange, OtherOperator};
use super::field_value::ListField;
use super::interval::Interval;
use crate::key::Segment;

impl<T, F, K: FieldIndex> Field<T, F, K> {
    /// The items whose field has this value. Accepts what the field's setter in a patch accepts.
    pub fn eq<V>(self, value: V) -> Condition<T>
    where
        F: QueryValue<V>,
        K: Comparable<F>,
    {
        let value = self.value(&F::to_compare(value));
        self.condition(value.map(|value| Interval::exactly(&value)))
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
        Condition::one(self.name(), Segment::Each(self.name().to_owned()), interval)
    }
}

macro_rules! missing {
    ($($operator:ident)*) => {
        /// Operators of other libraries, so that the compiler's error can name those that exist.
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
    /// The items whose field lies between two values, both included; none if `from` is greater than
    /// `to`. Needs `#[index(range)]`, like the operators below.
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
