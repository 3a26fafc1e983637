//! The order of a query, as a value and as a type.

use crate::key::Segment;

#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Newest first where the index is in the order of creation; by value otherwise.
    Natural,
    Creation {
        newest_first: bool,
    },
    Value {
        segment: Segment,
        descending: bool,
    },
}

/// Whether a query is ordered by the values of a field: [`Unsorted`] or [`Sorted`].
pub trait Sorting: 'static {}

/// A query that is not ordered by the values of a field. Its items come in the order of their
/// creation.
#[derive(Debug)]
pub enum Unsorted {}

/// A query that is ordered by the values of a field.
#[derive(Debug)]
pub enum Sorted {}

impl Sorting for Unsorted {}
impl Sorting for Sorted {}

/// A query whose order can still be chosen.
#[diagnostic::on_unimplemented(
    message = "this query has an order already",
    label = "a second order",
    note = "keep one of `newest_first`, `oldest_first`, `ascending_by` and `descending_by`; items with equal values come by the time of their creation"
)]
pub trait NoOrderYet: Sorting {}

impl NoOrderYet for Unsorted {}
