//! Lists, queries and statistics.

use super::{Dynamic, DynamicQuery};
use crate::admin::CollectionStats;
use crate::document::item::Item;
use crate::error::Result;
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::page::Page;

impl Dynamic {
    /// Lists items, the newest first: `limit` of them after the first `offset`. See
    /// [`Repo::list`](crate::Repo::list).
    ///
    /// To continue after the page, pass its cursor to [`Dynamic::find_items`] in a [`DynamicQuery`]
    /// without filters.
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn list_items(
        &self,
        collection: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Page<Item<Json>>> {
        self.find_items(collection, &DynamicQuery::new().offset(offset).limit(limit)).await
    }

    /// Reads a page of the items that match a query. See [`Repo::find`](crate::Repo::find).
    ///
    /// # Errors
    ///
    /// `UnknownName` for a field or operator that does not exist; `InvalidArgument` for a field
    /// without index, an operator that its index does not support, a value that the field cannot
    /// have, a limit out of range or a cursor of another query; and as the typed call.
    pub async fn find_items(
        &self,
        collection: &str,
        query: &DynamicQuery,
    ) -> Result<Page<Item<Json>>> {
        self.lookup(collection, "find")?.find(query).await
    }

    /// Reads a page of the ids of the items that match a query, without the documents.
    ///
    /// # Errors
    ///
    /// As [`Dynamic::find_items`].
    pub async fn find_ids(&self, collection: &str, query: &DynamicQuery) -> Result<Page<Id>> {
        self.lookup(collection, "find")?.ids(query).await
    }

    /// Counts the items that match a query; its limit is ignored.
    ///
    /// # Errors
    ///
    /// As [`Dynamic::find_items`].
    pub async fn count_items(&self, collection: &str, query: &DynamicQuery) -> Result<u64> {
        self.lookup(collection, "count")?.count(query).await
    }

    /// Counts items and jobs, and estimates versions and memory. See
    /// [`Repo::stats`](crate::Repo::stats).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn collection_stats(&self, collection: &str) -> Result<CollectionStats> {
        self.lookup(collection, "stats")?.stats().await
    }
}
