//! Comparing two versions of an item.

use serde_json::Value;

use crate::collection::Collection;
use crate::diff::Diff;
use crate::envelope;
use crate::error::Result;
use crate::item::VersionInfo;
use crate::key::ToId;
use crate::op::get::Stored;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "diff";

impl<T: Collection> Repo<T> {
    /// The difference that leads from version `from` of an item to version `to`, of which either may be
    /// the older one.
    ///
    /// Versions of an older schema are compared in the current one, so a migration makes no difference.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `NotFound` with the key of what is missing: the item, or a version that never was or that
    /// retention has removed. `Decode`, `Upgrade`, `InvalidId`, `Unavailable`.
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
    /// notes.update(&note, Note::patch().title("Oat milk")).await?;
    ///
    /// let diff = notes.diff(&note.id, 1, 2).await?;
    /// println!("{diff}");
    /// assert_eq!(diff.patch()[0]["path"], "/title");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn diff(&self, id: impl ToId, from: u64, to: u64) -> Result<Diff> {
        let id = checked_id(&id, OPERATION)?;
        let versions = [from, to];
        let Some((_, found)) = self.stored(&id, &versions, OPERATION).await? else {
            return Err(self.missing(&id, OPERATION));
        };
        let mut sides = Vec::with_capacity(2);
        for (version, stored) in versions.into_iter().zip(found) {
            let stored = stored.ok_or_else(|| self.missing_version(&id, version, OPERATION))?;
            sides.push(side::<T>(stored)?);
        }
        match <[_; 2]>::try_from(sides) {
            Ok([from, to]) => Ok(Diff::new(from, to)),
            Err(_) => Err(self.missing(&id, OPERATION)),
        }
    }
}

fn side<T: Collection>(stored: Stored) -> Result<(VersionInfo, Value)> {
    let Stored { key, json, head } = stored;
    Ok((head.into(), envelope::decode_data::<T>(&json, &key, OPERATION)?))
}
