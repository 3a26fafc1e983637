//! The same operation on many items.

use super::Dynamic;
use crate::document::item::Item;
use crate::error::Result;
use crate::json::text::Json;
use crate::key::{Id, ToId};
use crate::repo::checked_id;

impl Dynamic {
    /// Creates many items, with a result for each document. See
    /// [`Repo::create_many`](crate::Repo::create_many).
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such collection.
    pub async fn create_items(
        &self,
        collection: &str,
        data: impl IntoIterator<Item = impl Into<Json>>,
    ) -> Result<Vec<Result<Item<Json>>>> {
        Ok(self
            .lookup(collection, "create_many")?
            .create_many(data.into_iter().map(Into::into).collect())
            .await)
    }

    /// Reads many items, in the order of the ids; `None` for each id without an item. See
    /// [`Repo::get_many`](crate::Repo::get_many).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and `InvalidId` before anything is read.
    pub async fn get_items<K: ToId>(
        &self,
        collection: &str,
        ids: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<Option<Item<Json>>>>> {
        let ids = checked_ids(ids, "get_many")?;
        Ok(self.lookup(collection, "get_many")?.get_many(ids).await)
    }

    /// Patches many items, as [`Dynamic::update_item`] does, with a result for each. They share
    /// round trips, and each is an atomic step of its own.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such collection, and `InvalidId`, before anything is written.
    pub async fn update_items<K: ToId, J: Into<Json>>(
        &self,
        collection: &str,
        patches: impl IntoIterator<Item = (K, J)>,
    ) -> Result<Vec<Result<Item<Json>>>> {
        let checked = |(id, patch): (K, J)| Ok((checked_id(&id, "update")?, patch.into()));
        let patches = patches.into_iter().map(checked).collect::<Result<_>>()?;
        Ok(self.lookup(collection, "update")?.change_many(patches).await)
    }

    /// Deletes many items, and returns for each whether it existed. See
    /// [`Repo::delete_many`](crate::Repo::delete_many).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and `InvalidId` before anything is deleted.
    pub async fn delete_items<K: ToId>(
        &self,
        collection: &str,
        ids: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<bool>>> {
        let ids = checked_ids(ids, "delete_many")?;
        Ok(self.lookup(collection, "delete_many")?.delete_many(ids).await)
    }
}

pub(super) fn checked_ids<K: ToId>(
    ids: impl IntoIterator<Item = K>,
    operation: &'static str,
) -> Result<Vec<Id>> {
    ids.into_iter().map(|id| checked_id(&id, operation)).collect()
}
