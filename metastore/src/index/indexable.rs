//! The types that can be indexed.

use super::value::IndexValue;

/// A type whose values can be indexed: a field with `#[index]` or `#[unique]` can have it.
///
/// Implemented for `bool`, integers of up to 128 bits, floats, text, ids, network addresses, types
/// of `jiff` and [`Timestamp`](crate::Timestamp), and behind features of the same names for types
/// of `chrono`, `rust_decimal`, `time` and `uuid`. A field can also be an `Option` or a list of
/// one.
///
/// Derive it for an enum without fields, which is indexed as serde serializes it, and for a struct
/// with one field, which is indexed like that field:
///
/// ```
/// use metastore::Indexable;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Indexable)]
/// enum Plan {
///     Free,
///     Paid,
/// }
///
/// #[derive(Clone, Serialize, Deserialize, Indexable)]
/// struct Email(String);
/// ```
///
/// Or implement it:
///
/// ```
/// use metastore::{Indexable, IndexValue};
///
/// struct Color {
///     red: u8,
///     green: u8,
///     blue: u8,
/// }
///
/// impl Indexable for Color {
///     fn index_value(&self) -> IndexValue {
///         IndexValue::text(&format!("{:02x}{:02x}{:02x}", self.red, self.green, self.blue))
///     }
/// }
/// ```
///
/// Queries compare these values, so equal values must return the same [`IndexValue`], also after
/// they were stored and read back. After a change of `index_value`, run
/// [`Repo::repair`](crate::Repo::repair).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be indexed",
    label = "no index can hold a `{Self}`",
    note = "an index holds: `bool`, integers up to 128 bits, `f32`, `f64`, `char`, `String`, `Id`, `Timestamp`, network addresses, times of `jiff`, an `Option` of one of these, or a `Vec`, `VecDeque`, `BTreeSet` or `HashSet` of them",
    note = "with features of metastore: `chrono`, `rust_decimal`, `time`, `uuid`",
    note = "for an enum without fields or a struct with one, add `#[derive(metastore::Indexable)]`; for another type implement `Indexable`, or remove the index"
)]
pub trait Indexable {
    /// The value in an index.
    fn index_value(&self) -> IndexValue;
}

/// A type whose index values are ordered: it can be a field with `#[index(range)]`.
///
/// Implemented for numbers, text, times and other types with an order; the order of the index is
/// that of the type: `a < b` in the index if and only if `a < b` in Rust. `#[derive(Indexable)]`
/// implements it for a struct whose only field has an order. For a type whose [`IndexValue`]s are
/// of one kind and in the right order, one line implements it: `impl Ordered for Cents {}`.
///
/// | type | order |
/// |---|---|
/// | integers, floats | by value; `NaN` and infinity are refused |
/// | decimals (`rust_decimal`) | by value, exact |
/// | points in time, dates, times of day | from the earliest to the latest, to the nanosecond |
/// | text | by its bytes, of more than 256 by the first 192; text that is a time by RFC 3339 by that time, before all other text |
/// | `char`, `bool`, `Uuid` | as in Rust |
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order that `#[index(range)]` could use",
    label = "a `{Self}` has no order in an index",
    note = "to a struct with one field that has an order add `#[derive(metastore::Indexable)]`; for another type implement `metastore::Indexable` and `metastore::Ordered`"
)]
pub trait Ordered: Indexable {
    /// The value in an index with an order.
    fn order_value(&self) -> IndexValue {
        self.index_value()
    }
}
