//! Removing the index entries of expired items.

use crate::document::Document;
use crate::error::Result;
use crate::redis::script::{REAP_EXPIRED, ScriptCall};
use crate::repo::Repo;

const OPERATION: &str = "reap_expired";

impl<T: Document> Repo<T> {
    /// Removes the index entries of up to 500 expired items. Returns whether there may be more.
    /// Lists, queries and counts also do this, so it is for collections that are rarely read: call
    /// it regularly, for example once a minute.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `WrongType`.
    pub async fn reap_expired(&self) -> Result<bool> {
        let call = ScriptCall::new(&REAP_EXPIRED)
            .key(self.address().index())
            .keys(self.id_sets())
            .address(self.address())
            .arg(Self::transformations_arg());
        let mut verdict = self.write(OPERATION, "", call).await?;
        Ok(verdict.number(OPERATION)? == 1)
    }
}
