//! The kinds of indexes, as types.

use super::field_value::SingleValue;
use crate::schema::IndexKind;

/// The kind of an index; sealed.
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
    /// The field has `#[index]` and `with` or `serialize_with`: items are found by its value, which
    /// is compared as it is serialized.
    ByJson = Equality;
    /// The field has `#[index(range)]`: items are also found between two values.
    ByRange = Range;
    /// The field has `#[unique]`: at most one item has each value.
    ByUnique = Unique;
}

/// An index that can compare a field of type `F` with one value.
#[diagnostic::on_unimplemented(
    message = "a field of type `{F}` is a list, which is not compared as a whole",
    label = "`{F}` is a list",
    note = "find the items whose list contains an element by `contains(element)`"
)]
pub trait Comparable<F>: FieldIndex {}

#[diagnostic::do_not_recommend]
impl<F: SingleValue> Comparable<F> for ByValue {}
impl<F> Comparable<F> for ByJson {}
impl<F> Comparable<F> for ByRange {}
impl<F> Comparable<F> for ByUnique {}

/// An index that finds items between two values.
#[diagnostic::on_unimplemented(
    message = "the index of this field finds equal values only",
    label = "this needs `#[index(range)]` on the field",
    note = "write `#[index(range)]` instead of `#[index]` or `#[unique]`, or ask by `eq`"
)]
pub trait HasRange: FieldIndex {}

impl HasRange for ByRange {}

/// An index in which at most one item has each value.
#[diagnostic::on_unimplemented(
    message = "several items may have the same value of this field",
    label = "this needs `#[unique]` on the field",
    note = "write `#[unique]` instead of `#[index]`, or ask by `find(….eq(value))`, which gives all items with the value"
)]
pub trait IsUnique: FieldIndex {}

impl IsUnique for ByUnique {}

/// An operator that fields do not have; never implemented.
#[diagnostic::on_unimplemented(
    message = "there is no such operator on an indexed field",
    label = "not an operator of `Field`",
    note = "there are `eq`, `is_none`, `is_some`, `contains`, and with `#[index(range)]` `between`, `at_least`, `at_most`, `greater_than` and `less_than`",
    note = "for `ne`, ask for the other values by `eq`, or by `less_than` and `greater_than`, or filter the items that a query gives"
)]
pub trait OtherOperator {}
