//! Versions: list, compare, revert, read as of a time.

use super::Dynamic;
use crate::document::diff::Diff;
use crate::document::item::{Item, VersionInfo};
use crate::error::Result;
use crate::json::text::Json;
use crate::key::ToId;
use crate::repo::checked_id;
use crate::time::Timestamp;

impl Dynamic {
    /// Lists the versions of an item, the newest first: at most `limit`, and only those before
    /// `before` if it is `Some`. See [`Repo::versions`](crate::Repo::versions).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn versions(
        &self,
        collection: &str,
        id: impl ToId,
        limit: u64,
        before: Option<u64>,
    ) -> Result<Vec<VersionInfo>> {
        const OPERATION: &str = "versions";
        let id = checked_id(&id, OPERATION)?;
        let before = before.unwrap_or(u64::MAX);
        self.lookup(collection, OPERATION)?.versions(id, limit, before).await
    }

    /// The difference between two versions of an item. See
    /// [`Repo::diff`](crate::Repo::diff).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `NotFound`; and as the typed call.
    pub async fn diff(&self, collection: &str, id: impl ToId, from: u64, to: u64) -> Result<Diff> {
        let id = checked_id(&id, "diff")?;
        self.lookup(collection, "diff")?.diff(id, from, to).await
    }

    /// Writes the content of an old version as the next one. See
    /// [`Repo::revert`](crate::Repo::revert).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `NotFound`; and as the typed call.
    pub async fn revert(
        &self,
        collection: &str,
        id: impl ToId,
        version: u64,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "revert")?;
        self.lookup(collection, "revert")?.revert(id, None, version).await
    }

    /// Writes the content of an old version as the next one if the item is at `expected`. See
    /// [`Repo::revert`](crate::Repo::revert).
    ///
    /// # Errors
    ///
    /// `Conflict`, and as [`Dynamic::revert`].
    pub async fn revert_at(
        &self,
        collection: &str,
        id: impl ToId,
        expected: u64,
        version: u64,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "revert_at")?;
        self.lookup(collection, "revert_at")?.revert(id, Some(expected), version).await
    }

    /// Reads an item as it was at a time; `None` if it did not exist then. See
    /// [`Repo::as_of`](crate::Repo::as_of).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call. Parse a time that is text first: the error converts to
    /// `InvalidArgument`.
    ///
    /// ```no_run
    /// # async fn example(dynamic: metastore::Dynamic) -> Result<(), metastore::Error> {
    /// let noon: metastore::Timestamp = "2026-11-24T12:00:00Z".parse()?;
    /// let then = dynamic.as_of("texts", "abc123", noon).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn as_of(
        &self,
        collection: &str,
        id: impl ToId,
        time: impl Into<Timestamp>,
    ) -> Result<Option<Item<Json>>> {
        let (id, time) = (checked_id(&id, "as_of")?, time.into());
        self.lookup(collection, "as_of")?.as_of(id, time).await
    }
}
