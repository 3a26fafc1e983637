//! Reading and writing items.

use serde_json::Value;

use super::Dynamic;
use super::document::Change;
use crate::document::item::Item;
use crate::error::Result;
use crate::json::text::Json;
use crate::key::ToId;
use crate::repo::checked_id;
use crate::time::Timestamp;

impl Dynamic {
    /// Creates an item with a generated id. See [`Repo::create`](crate::Repo::create).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `InvalidJson`; and as the typed call.
    pub async fn create_item(&self, collection: &str, data: impl Into<Json>) -> Result<Item<Json>> {
        self.lookup(collection, "create")?.create(None, data.into()).await
    }

    /// Creates an item with the given id. See
    /// [`Repo::create_with_id`](crate::Repo::create_with_id).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `InvalidJson`; and as the typed call.
    pub async fn create_item_with_id(
        &self,
        collection: &str,
        id: impl ToId,
        data: impl Into<Json>,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "create")?;
        self.lookup(collection, "create")?.create(Some(id), data.into()).await
    }

    /// Reads an item; `None` if there is none. See [`Repo::get`](crate::Repo::get).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn get_item(&self, collection: &str, id: impl ToId) -> Result<Option<Item<Json>>> {
        let id = checked_id(&id, "get")?;
        self.lookup(collection, "get")?.get(id).await
    }

    /// Reads the stored bytes of an item, valid or not; `None` if there is none. See
    /// [`Repo::get_raw`](crate::Repo::get_raw).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn get_raw(&self, collection: &str, id: impl ToId) -> Result<Option<String>> {
        let id = checked_id(&id, "get_raw")?;
        self.lookup(collection, "get_raw")?.get_raw(id).await
    }

    /// Whether an item exists. See [`Repo::exists`](crate::Repo::exists).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn item_exists(&self, collection: &str, id: impl ToId) -> Result<bool> {
        let id = checked_id(&id, "exists")?;
        self.lookup(collection, "exists")?.exists(id).await
    }

    /// Reads one version of an item; `None` if there is none. See
    /// [`Repo::get_version`](crate::Repo::get_version).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn get_version(
        &self,
        collection: &str,
        id: impl ToId,
        version: u64,
    ) -> Result<Option<Item<Json>>> {
        const OPERATION: &str = "get_version";
        let id = checked_id(&id, OPERATION)?;
        self.lookup(collection, OPERATION)?.get_version(id, version).await
    }

    /// Reads the item with this value of a unique field; `None` if there is none. See
    /// [`Repo::get_by`](crate::Repo::get_by).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `InvalidArgument` if the field is not unique or cannot have the value; and as
    /// the typed call.
    pub async fn get_item_by(
        &self,
        collection: &str,
        field: &str,
        value: impl Into<Value>,
    ) -> Result<Option<Item<Json>>> {
        self.lookup(collection, "get_by")?.get_by(field.to_owned(), value.into()).await
    }

    /// Sets the fields in the patch and keeps the others; `null` clears an optional field. See
    /// [`Repo::update`](crate::Repo::update).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for a field; `InvalidJson`; and as the typed call.
    pub async fn update_item(
        &self,
        collection: &str,
        id: impl ToId,
        patch: impl Into<Json>,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "update")?;
        self.lookup(collection, "update")?.change(id, None, Change::Patch(patch.into())).await
    }

    /// Sets the fields in the patch if the item is at version `expected`. See
    /// [`Repo::update_at`](crate::Repo::update_at).
    ///
    /// # Errors
    ///
    /// `Conflict`, and as [`Dynamic::update_item`].
    pub async fn update_item_at(
        &self,
        collection: &str,
        id: impl ToId,
        expected: u64,
        patch: impl Into<Json>,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "update_at")?;
        self.lookup(collection, "update_at")?
            .change(id, Some(expected), Change::Patch(patch.into()))
            .await
    }

    /// Writes a whole document as the next version. See [`Repo::replace`](crate::Repo::replace).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::update_item`].
    pub async fn replace_item(
        &self,
        collection: &str,
        id: impl ToId,
        data: impl Into<Json>,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "replace")?;
        self.lookup(collection, "replace")?.change(id, None, Change::Replace(data.into())).await
    }

    /// Writes a whole document as the next version if the item is at version `expected`.
    ///
    /// # Errors
    ///
    /// `Conflict`, and as [`Dynamic::update_item`].
    pub async fn replace_item_at(
        &self,
        collection: &str,
        id: impl ToId,
        expected: u64,
        data: impl Into<Json>,
    ) -> Result<Item<Json>> {
        let id = checked_id(&id, "replace_at")?;
        let change = Change::Replace(data.into());
        self.lookup(collection, "replace_at")?.change(id, Some(expected), change).await
    }

    /// Renews the time to live of an item and returns the new deadline. See
    /// [`Repo::touch`](crate::Repo::touch).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn touch_item(&self, collection: &str, id: impl ToId) -> Result<Option<Timestamp>> {
        let id = checked_id(&id, "touch")?;
        self.lookup(collection, "touch")?.touch(id).await
    }

    /// Deletes an item; returns whether it existed. See [`Repo::delete`](crate::Repo::delete).
    ///
    /// # Errors
    ///
    /// `UnknownName`, and as the typed call.
    pub async fn delete_item(&self, collection: &str, id: impl ToId) -> Result<bool> {
        let id = checked_id(&id, "delete")?;
        self.lookup(collection, "delete")?.delete(id, None).await
    }

    /// Deletes an item if it is at version `expected`. See
    /// [`Repo::delete_at`](crate::Repo::delete_at).
    ///
    /// # Errors
    ///
    /// `UnknownName`; `NotFound`; `Conflict`; and as the typed call.
    pub async fn delete_item_at(
        &self,
        collection: &str,
        id: impl ToId,
        expected: u64,
    ) -> Result<()> {
        let id = checked_id(&id, "delete_at")?;
        self.lookup(collection, "delete_at")?.delete(id, Some(expected)).await.map(|_| ())
    }
}
