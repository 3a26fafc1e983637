//! Reading the one item of a query.

use super::builder::Query;
use super::decode::decode;
use super::find::Projection;
use super::order::Sorting;
use crate::document::Document;
use crate::document::item::Item;
use crate::error::Result;
use crate::index::Field;
use crate::index::QueryValue;
use crate::index::{Comparable, IsUnique};
use crate::repo::Repo;

impl<T: Document> Repo<T> {
    /// Reads the item with this value of a unique field; `None` if there is none.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `IndexIncomplete` if the index was added to a collection with items and is not filled yet;
    /// and as [`Repo::get`].
    pub async fn get_by<F: QueryValue<V>, K: IsUnique + Comparable<F>, V>(
        &self,
        field: Field<T, F, K>,
        value: V,
    ) -> Result<Option<Item<T>>> {
        self.find(field.eq(value)).limit(1).first("get_by").await
    }
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    /// Reads the first item.
    pub(crate) async fn first(self, operation: &'static str) -> Result<Option<Item<T>>> {
        let query = self.limit(1);
        let rows = query.rows(Projection::Documents, operation).await?;
        let address = query.repo.address();
        let mut found = rows.documents().map(|(id, found)| decode(address, &id, found, operation));
        found.next().transpose().map_err(|unreadable| unreadable.error)
    }
}
