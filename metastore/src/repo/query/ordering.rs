//! The methods that set the order of a query. The type of the query records it, so that a second
//! order does not compile.

use std::marker::PhantomData;

use super::builder::Query;
use super::order::{NoOrderYet, Order, Sorted, Sorting};
use crate::document::Document;
use crate::index::Field;
use crate::index::HasRange;
use crate::key::Segment;

impl<'a, T: Document, O: Sorting> Query<'a, T, O> {
    /// The newest item first. This is the default for a list and for a condition on a single value.
    /// Of several calls of `newest_first` and `oldest_first`, the last one counts.
    pub fn newest_first(self) -> Self
    where
        O: NoOrderYet,
    {
        Self { order: Order::Creation { newest_first: true }, ..self }
    }

    /// The oldest item first.
    pub fn oldest_first(self) -> Self
    where
        O: NoOrderYet,
    {
        Self { order: Order::Creation { newest_first: false }, ..self }
    }

    /// Orders by the values of a field, the smallest first. Items without a value come before all
    /// others; items with equal values come in the order of their creation.
    ///
    /// A query has one order: a second one does not compile, and `newest_first` or `oldest_first`
    /// before this call is refused with `InvalidArgument`. The returned query has another type;
    /// [`Query::into_sorted`] converts any query to it.
    ///
    /// ```compile_fail,E0277
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
    /// # struct Order { #[index(range)] total: u64, #[index(range)] weight: u64 }
    /// # async fn example(orders: Repo<Order>) -> Result<(), metastore::Error> {
    /// let twice = orders.list().ascending_by(Order::TOTAL).descending_by(Order::WEIGHT).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ascending_by<F, K: HasRange>(self, field: Field<T, F, K>) -> Query<'a, T, Sorted>
    where
        O: NoOrderYet,
    {
        self.by_value(field.segment(), false)
    }

    /// Orders by the values of a field, the greatest first. Items without a value come last. See
    /// [`Query::ascending_by`].
    pub fn descending_by<F, K: HasRange>(self, field: Field<T, F, K>) -> Query<'a, T, Sorted>
    where
        O: NoOrderYet,
    {
        self.by_value(field.segment(), true)
    }

    pub(crate) fn by_value(self, segment: Segment, descending: bool) -> Query<'a, T, Sorted> {
        let has_two_orders = !matches!(self.order, Order::Natural);
        let order = Order::Value { segment, descending };
        Query { order, has_two_orders, ..self.into_sorted() }
    }

    /// Converts the query to the type of a sorted one, so that queries with and without an order by
    /// value have the same type. The order itself does not change.
    pub fn into_sorted(self) -> Query<'a, T, Sorted> {
        Query {
            repo: self.repo,
            condition: self.condition,
            owner: self.owner,
            derived: self.derived,
            order: self.order,
            has_two_orders: self.has_two_orders,
            offset: self.offset,
            limit: self.limit,
            start: self.start,
            sorting: PhantomData,
        }
    }
}
