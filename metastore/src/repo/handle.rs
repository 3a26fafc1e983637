//! The handle on one item: where its mutations and transformations are called.

use crate::document::Document;
use crate::document::item::{Item, Target};
use crate::error::{Error, Result};
use crate::key::Id;
use crate::repo::Repo;

/// One item of a collection: where its mutations and transformations are called.
///
/// `repo.item(&id)` gives the collection's own handle, which has a method for each of them and leads
/// here for the rest. Making one costs no round trip; an id that breaks the rule is reported by the
/// first call.
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

    /// Calls `read` with the item in hand, or with the one that is stored.
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
