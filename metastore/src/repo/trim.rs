//! Applying retention to an item without a write.

use crate::document::Document;
use crate::document::envelope;
use crate::error::{Error, Result};
use crate::key::{Id, ToId};
use crate::redis::script::{ScriptCall, TRIM, code};
use crate::redis::write::item::{keep_arg, keep_for_arg};
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "trim";

impl<T: Document> Repo<T> {
    /// Removes the versions of an item that the collection's retention (`keep`, `keep_for`) does
    /// not keep, and returns how many were removed.
    ///
    /// Every write does this for its own item. So this is for items that are no longer written,
    /// whose versions become older than `keep_for`, and for items with many more versions than a
    /// newly tightened retention keeps, since a write removes at most 100. [`Repo::trim_all`] does
    /// it for a whole collection.
    ///
    /// One round trip for each 1,000 versions; none in a collection without retention.
    ///
    /// # Errors
    ///
    /// `NotFound`, `InvalidId`, `Unavailable`.
    pub async fn trim(&self, id: impl ToId) -> Result<u64> {
        let id = checked_id(&id, OPERATION)?;
        if !T::SCHEMA.trims() {
            return Ok(0);
        }
        match self.trimmed(&id, OPERATION).await? {
            Some(removed) => Ok(removed),
            None => Err(self.missing(&id, OPERATION)),
        }
    }

    /// How many versions of an item were removed; `None` if there is no such item.
    pub(crate) async fn trimmed(&self, id: &Id, operation: &'static str) -> Result<Option<u64>> {
        let at = self.address();
        let call = ScriptCall::new(&TRIM)
            .key(at.latest(id))
            .key(at.trimmed(id))
            .key(at.index())
            .address(at)
            .arg(id.as_str().to_owned())
            .arg(keep_arg(T::SCHEMA))
            .arg(keep_for_arg(T::SCHEMA));
        let mut removed = 0;
        loop {
            let written = self.write(operation, "", call.clone()).await;
            let mut verdict = written.map_err(|error| error.at(at.latest(id)))?;
            match verdict.code {
                code::DONE => removed += verdict.number(operation)?,
                code::NOT_FOUND => return Ok(None),
                _ => {
                    let kind = envelope::not_an_envelope();
                    return Err(Error::new(operation, kind).at(at.latest(id)));
                }
            }
            if verdict.number(operation)? == 0 {
                return Ok(Some(removed));
            }
        }
    }
}
