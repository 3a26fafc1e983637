//! The types that an indexed field can have: a value, an `Option` of one, or a list.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::indexable::{Indexable, Ordered};
use super::value::IndexValue;

/// The value of one field of a document in the indexes.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// One value.
    One(IndexValue),
    /// The elements of a list.
    Each(Vec<IndexValue>),
}

/// A type that a field with `#[index]` can have: [`Indexable`], an `Option` of it, or a list of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be indexed",
    label = "no index can hold a `{Self}`",
    note = "an index holds: `bool`, integers up to 128 bits, `f32`, `f64`, `char`, `String`, `Id`, `Timestamp`, network addresses, times of `jiff`; with features of metastore types of `chrono`, `rust_decimal`, `time`, `uuid`; an `Option` of one of these, or a `Vec`, `VecDeque`, `BTreeSet` or `HashSet` of them, not nested",
    note = "to an enum without fields or a struct with one add `#[derive(metastore::Indexable)]`; for another type implement `metastore::Indexable`, or remove the index"
)]
pub trait IndexField {
    #[doc(hidden)]
    fn field_value(&self) -> FieldValue;
}

/// A type that a field with `#[unique]` can have, and that `eq` compares: [`Indexable`], or an
/// `Option` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a single value",
    label = "`{Self}` is not a single value",
    note = "a field with `#[unique]` is a single value: `bool`, an integer, a float, text, an `Id`, a time, …, or an `Option` of one",
    note = "to an enum without fields or a struct with one add `#[derive(metastore::Indexable)]`; for another type implement `metastore::Indexable`, or remove the index"
)]
pub trait SingleValue {
    #[doc(hidden)]
    fn single_value(&self) -> IndexValue;
}

/// A type that a field with `#[index(range)]` can have: [`Ordered`], or an `Option` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order that `#[index(range)]` could use",
    label = "a `{Self}` has no order in an index",
    note = "these have an order: integers up to 128 bits, `f32`, `f64`, `bool`, `char`, `String`, `Id`, `Timestamp`, times of `jiff`; with features of metastore types of `chrono`, `rust_decimal`, `time`, `uuid`; and an `Option` of one",
    note = "use `#[index]` to find equal values or elements of a list; to a struct with one such field add `#[derive(metastore::Indexable)]`; for an enum or another type implement `metastore::Indexable` by a number or text in the right order, and `metastore::Ordered`"
)]
pub trait RangeField {
    #[doc(hidden)]
    fn order_value(&self) -> IndexValue;
}

/// A list of values that can be indexed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list",
    label = "`contains` is for fields such as `Vec<String>`; use `eq`"
)]
pub trait ListField {
    /// The type of its elements.
    type Element;

    /// A list of only this element.
    #[doc(hidden)]
    fn of(element: Self::Element) -> Self;
}

impl<V: Indexable> IndexField for V {
    fn field_value(&self) -> FieldValue {
        FieldValue::One(self.index_value())
    }
}

impl<V: Indexable> IndexField for Option<V> {
    fn field_value(&self) -> FieldValue {
        FieldValue::One(self.single_value())
    }
}

impl<V: Indexable> SingleValue for V {
    fn single_value(&self) -> IndexValue {
        self.index_value()
    }
}

impl<V: Indexable> SingleValue for Option<V> {
    fn single_value(&self) -> IndexValue {
        self.as_ref().map_or_else(IndexValue::null, V::index_value)
    }
}

impl<V: Ordered> RangeField for V {
    fn order_value(&self) -> IndexValue {
        Ordered::order_value(self)
    }
}

impl<V: Ordered> RangeField for Option<V> {
    fn order_value(&self) -> IndexValue {
        self.as_ref().map_or_else(IndexValue::null, V::order_value)
    }
}

fn each<'a, V: Indexable + 'a>(elements: impl IntoIterator<Item = &'a V>) -> FieldValue {
    FieldValue::Each(elements.into_iter().map(V::index_value).collect())
}

macro_rules! lists {
    ($($list:ty $(, $bound:path)* => $of:expr;)*) => {$(
        impl<V: Indexable> IndexField for $list {
            fn field_value(&self) -> FieldValue {
                each(self)
            }
        }

        impl<V: Indexable> IndexField for Option<$list> {
            fn field_value(&self) -> FieldValue {
                match self {
                    Some(list) => each(list),
                    None => FieldValue::One(IndexValue::null()),
                }
            }
        }

        impl<V $(: $bound)*> ListField for $list {
            type Element = V;

            fn of(element: V) -> Self {
                $of(element)
            }
        }
    )*};
}

lists! {
    Vec<V> => |element| vec![element];
    Box<[V]> => |element| vec![element].into_boxed_slice();
    VecDeque<V> => |element| Self::from([element]);
    BTreeSet<V>, Ord => |element| Self::from([element]);
}

impl<V: Indexable, S> IndexField for HashSet<V, S> {
    fn field_value(&self) -> FieldValue {
        each(self)
    }
}

impl<V: Indexable, S> IndexField for Option<HashSet<V, S>> {
    fn field_value(&self) -> FieldValue {
        match self {
            Some(list) => each(list),
            None => FieldValue::One(IndexValue::null()),
        }
    }
}

impl<V: Hash + Eq, S: BuildHasher + Default> ListField for HashSet<V, S> {
    type Element = V;

    fn of(element: V) -> Self {
        Self::from_iter([element])
    }
}

impl<L: ListField> ListField for Option<L> {
    type Element = L::Element;

    fn of(element: Self::Element) -> Self {
        Some(L::of(element))
    }
}
