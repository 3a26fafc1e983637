//! Replacing whole documents.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::{Item, Target, ToTarget};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::scope::Scope;

impl<T: Document> Repo<T> {
    /// Writes a whole document as the next version. Round trips and errors as [`Repo::update`].
    ///
    /// Unlike `update` and `modify`, this removes fields of the stored document that `T` does not
    /// know. By id, it also replaces a document that does not decode as `T`, unless that has a
    /// newer schema.
    ///
    /// # Errors
    ///
    /// As [`Repo::update`].
    pub async fn replace<'a>(&self, target: impl ToTarget<'a, T>, document: T) -> Result<Item<T>> {
        self.replace_at(target.to_target(), None, document, "replace").await
    }

    /// Writes a whole document. If a version is expected, the item must be at it.
    pub(crate) async fn replace_at(
        &self,
        target: Target<'_, T>,
        expected: Option<u64>,
        document: T,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let id = target.id.map_err(|error| Error::from(error).during(operation))?;
        if let Some(base) = target.item {
            return self.supersede(base, document, Scope::WholeDocument, operation).await;
        }
        let mut retries = self.conflict_retries();
        loop {
            let base = self.read_replaceable(&id, &document, operation).await?;
            if let Some(expected) = expected.filter(|expected| *expected != base.version) {
                let kind = ErrorKind::Conflict { expected, actual: base.version };
                return Err(Error::new(operation, kind).at(self.address().latest(&id)));
            }
            let scope = Scope::WholeDocument;
            let written = self.supersede(&base, document.clone(), scope, operation).await;
            if expected.is_some() || !retries.retry(&written).await {
                return written;
            }
        }
    }

    async fn read_replaceable(
        &self,
        id: &Id,
        document: &T,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let key = self.address().latest(id);
        let reply = self.store().reader().get(key.clone()).await;
        let reply = reply.map_err(|fault| fault.into_error(operation).at(key.clone()))?;
        match reply.into_data() {
            Some(json) => envelope::decode_replaceable(&json, &key, document, operation),
            None => Err(self.missing(id, operation)),
        }
    }
}
