//! The handle on one item, with its mutations and transformations.

use crate::document::Document;
use crate::document::item::{Item, Target};
use crate::error::{Error, Result};
use crate::key::Id;
use crate::repo::Repo;

/// A handle on one item of a collection, with its mutations and transformations.
///
/// `repo.item(&id)` returns the collection's own handle, which has a method for each mutation and
/// transformation and dereferences to this one. Creating it needs no round trip; an invalid id is
/// reported by the first call.
pub struct ItemHandle<'a, T: Document> {
    pub(crate) repo: &'a Repo<T>,
    pub(crate) target: Target<'a, T>,
}

impl<T: Document> Clone for ItemHandle<'_, T> {
    fn clone(&self) -> Self {
        Self { repo: self.repo, target: self.target.clone() }
    }
}

impl<T: Document> ItemHandle<'_, T> {
    pub(crate) fn id(&self, operation: &'static str) -> Result<Id> {
        self.target.id.clone().map_err(|error| Error::from(error).during(operation))
    }

    /// Calls `read` with the item of the handle, or with the stored one.
    pub(crate) async fn with_item<R>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Item<T>) -> R,
    ) -> Result<R> {
        if let Some(item) = self.target.item {
            return Ok(read(item));
        }
        let item = self.repo.read_existing(&self.id(operation)?, operation).await?;
        Ok(read(&item))
    }
}
