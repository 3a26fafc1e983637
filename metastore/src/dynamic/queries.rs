//! Lists and queries by the name of a collection.

use super::{Dynamic, DynamicQuery};
use crate::admin::CollectionStats;
use crate::document::item::Item;
use crate::error::Result;
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::page::Page;

impl Dynamic {
    /// Lists items, the newest first: `limit` of them behind the first `offset`. See
    /// [`Repo::list`](crate::Repo::list).
    ///
    /// The cursor of the page goes on by [`Dynamic::find_items`], with a [`DynamicQuery`] that has no filter.
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

    /// Reads a page of the items that a selection describes. See [`Repo::find`](crate::Repo::find).
    ///
    /// # Errors
    ///
    /// `UnknownName` for a field or operator that there is not; `InvalidArgument` for a field without index,
    /// an operator that its index cannot do, a value that the field cannot have, a limit out of range
    /// or a cursor of another query; and as the typed call.
    pub async fn find_items(
        &self,
        collection: &str,
        selection: &DynamicQuery,
    ) -> Result<Page<Item<Json>>> {
        self.named(collection, "find")?.find(selection).await
    }

    /// Reads a page of the ids of such items, without the documents.
    ///
    /// # Errors
    ///
    /// As [`Dynamic::find_items`].
    pub async fn find_ids(&self, collection: &str, selection: &DynamicQuery) -> Result<Page<Id>> {
        self.named(collection, "find")?.ids(selection).await
    }

    /// Counts the items that a selection describes, whatever its limit.
    ///
    /// # Errors
    ///
    /// As [`Dynamic::find_items`].
    pub async fn count_items(&self, collection: &str, selection: &DynamicQuery) -> Result<u64> {
        self.named(collection, "count")?.count(selection).await
    }

    /// Counts items and jobs, and estimates versions and memory. See [`Repo::stats`](crate::Repo::stats).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn collection_stats(&self, collection: &str) -> Result<CollectionStats> {
        self.named(collection, "stats")?.stats().await
    }
}
