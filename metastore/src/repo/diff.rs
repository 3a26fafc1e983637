//! Comparing two versions of an item.

use crate::document::Document;
use crate::document::diff::Diff;
use crate::document::envelope;
use crate::document::item::VersionInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::key::ToId;
use crate::repo::get::Stored;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "diff";

/// Documents of more bytes than this together are compared on a blocking thread.
const INLINE: usize = 64 * 1024;

impl<T: Document> Repo<T> {
    /// The difference between version `from` and version `to` of an item; either may be the older
    /// one.
    ///
    /// Versions of an older schema are upgraded before the comparison, so a migration shows no
    /// difference.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `NotFound` with the key of what is missing: the item, or a version that never existed or
    /// that retention has removed. `Decode`, `Upgrade`, `InvalidId`, `Unavailable`.
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
            sides.push(stored);
        }
        let size: usize = sides.iter().map(|stored| stored.json.len()).sum();
        let compare = move || {
            let [from, to] = <[Stored; 2]>::try_from(sides)
                .map_err(|_| Error::new(OPERATION, ErrorKind::NotFound))?;
            let key = to.key.clone();
            let unreadable = |error: serde_json::Error| {
                Error::new(OPERATION, ErrorKind::Encode(error.to_string())).at(key)
            };
            Diff::new(side::<T>(from)?, side::<T>(to)?).map_err(unreadable)
        };
        if size <= INLINE {
            return compare();
        }
        match tokio::task::spawn_blocking(compare).await {
            Ok(diff) => diff,
            Err(gone) => match gone.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::new(
                    OPERATION,
                    ErrorKind::Unavailable("the runtime is shutting down".to_owned()),
                )),
            },
        }
    }
}

fn side<T: Document>(stored: Stored) -> Result<(VersionInfo, String)> {
    let Stored { key, json, header } = stored;
    Ok((header.into(), envelope::decode_data::<T>(&json, &key, OPERATION)?))
}
