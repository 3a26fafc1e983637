//! Writing whole documents over stored ones.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::{Item, Target, ToTarget};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::update::Scope;

impl<T: Document> Repo<T> {
    /// Writes a whole document as the next version. Round trips and errors as [`Repo::update`].
    ///
    /// Fields in the stored document that `T` does not know are not kept, unlike in `update` and
    /// `modify`. By id, it also takes the place of a document that does not read as `T`; one of a newer
    /// schema is left alone.
    ///
    /// # Errors
    ///
    /// As [`Repo::update`].
    pub async fn replace<'a>(&self, target: impl ToTarget<'a, T>, document: T) -> Result<Item<T>> {
        self.replace_at(target.to_target(), None, document, "replace").await
    }

    /// Writes a whole document, if the item is at this version where one is given.
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
        let mut attempts = self.attempts();
        loop {
            let base = self.read_replaceable(&id, &document, operation).await?;
            if let Some(expected) = expected.filter(|expected| *expected != base.version) {
                let kind = ErrorKind::Conflict { expected, actual: base.version };
                return Err(Error::new(operation, kind).at(self.address().latest(&id)));
            }
            let scope = Scope::WholeDocument;
            let written = self.supersede(&base, document.clone(), scope, operation).await;
            if expected.is_some() || !attempts.again(&written).await {
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
