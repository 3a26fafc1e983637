//! Restoring the content of an earlier version.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::{Item, Target, ToTarget};
use crate::error::{Error, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::get::Stored;
use crate::repo::scope::Scope;

const OPERATION: &str = "revert";

impl<T: Document> Repo<T> {
    /// Writes the content of an earlier version as the next version. The history is not changed, so
    /// a revert can itself be reverted.
    ///
    /// Two round trips: a read and a write. With an [`Item`] in hand, `Conflict` if the item has
    /// changed since it was read. By id, both start again if another write comes between them, as
    /// for [`Repo::update`].
    ///
    /// The content must be valid by the current rules, and the time to live changes as for an
    /// update. Fields that `T` does not know are restored too. A version of an older schema is
    /// written in the current one. If the item has this content already, nothing is stored and the
    /// item is returned with `unchanged` set.
    ///
    /// # Errors
    ///
    /// `NotFound` with the key of the item if that is missing, or of the version if that never
    /// existed or was removed by retention; otherwise as [`Repo::update`] and [`Repo::get`].
    ///
    /// ```
    /// # use metastore::{Collection, Store};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// # let notes = Store::embedded().await?.repo::<Note>();
    /// let note = notes.create(Note { title: "Milk".into() }).await?;
    /// let note = notes.update(&note, Note::patch().title("Mlik")).await?;
    ///
    /// let note = notes.revert(&note, 1).await?;
    /// assert_eq!((note.version, note.data.title.as_str()), (3, "Milk"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revert<'a>(&self, target: impl ToTarget<'a, T>, version: u64) -> Result<Item<T>> {
        let Target { id, item } = target.to_target();
        let id = id.map_err(|error| Error::from(error).during(OPERATION))?;
        if let Some(base) = item {
            let (_, old) = self.to_revert(&id, version).await?;
            let old = envelope::decode(&old.json, &old.key, OPERATION)?;
            return self.write_again(base, &old).await;
        }
        let mut retries = self.conflict_retries();
        loop {
            let (current, old) = self.to_revert(&id, version).await?;
            let old = envelope::decode::<T>(&old.json, &old.key, OPERATION)?;
            let Stored { json, key, .. } = &current;
            let base = envelope::decode_replaceable(json, key, &old.data, OPERATION)?;
            let written = self.write_again(&base, &old).await;
            if !retries.retry(&written).await {
                return written;
            }
        }
    }

    /// The current version and the one to be restored.
    async fn to_revert(&self, id: &Id, version: u64) -> Result<(Stored, Stored)> {
        let Some((current, mut found)) = self.stored(id, &[version], OPERATION).await? else {
            return Err(self.missing(id, OPERATION));
        };
        match found.pop().flatten() {
            Some(old) => Ok((current, old)),
            None => Err(self.missing_version(id, version, OPERATION)),
        }
    }

    async fn write_again(&self, base: &Item<T>, old: &Item<T>) -> Result<Item<T>> {
        let scope = Scope::Restored { version: old.version, unknown: old.unknown() };
        self.supersede(base, old.data.clone(), scope, OPERATION).await
    }
}
