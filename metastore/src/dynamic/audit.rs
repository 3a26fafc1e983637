//! Reading the audit.

use super::Dynamic;
use crate::error::Result;
use crate::key::ToId;
use crate::repo::audit::Audit;
use crate::repo::checked_id;

impl Dynamic {
    /// Reads the audit trail of an item. See [`Repo::audit`](crate::Repo::audit).
    ///
    /// # Errors
    ///
    /// `UnknownName` and `InvalidId`; when it is awaited, as the typed call.
    ///
    /// ```no_run
    /// # async fn example(dynamic: metastore::Dynamic) -> Result<(), metastore::Error> {
    /// let page = dynamic.audit("texts", "abc123")?.operation("update").limit(20).await?;
    /// println!("{}", serde_json::json!(page));
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit(&self, collection: &str, id: impl ToId) -> Result<Audit<'_>> {
        const OPERATION: &str = "audit";
        let found = self.lookup(collection, OPERATION)?;
        Ok(found.audit(&checked_id(&id, OPERATION)?))
    }

    /// Reads the audit feed of a collection. See [`Repo::audit_feed`](crate::Repo::audit_feed).
    ///
    /// # Errors
    ///
    /// `UnknownName`; when it is awaited, as the typed call.
    pub fn audit_feed(&self, collection: &str) -> Result<Audit<'_>> {
        Ok(self.lookup(collection, "audit")?.audit_feed())
    }
}
