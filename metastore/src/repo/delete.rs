//! Deleting items.

use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::script::{DELETE, ScriptCall, code};
use crate::redis::write::retry::Restarts;
use crate::redis::write::{Outcome, Write};
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "delete";

impl<T: Document> Repo<T> {
    /// Deletes an item with all its versions, stored results, jobs and index entries, but not its
    /// audit trail. Returns whether the item existed.
    ///
    /// One round trip, and one more for each further 10,000 versions. These are removed first,
    /// beginning with the oldest; the rest is removed in one atomic step.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn delete(&self, id: impl ToId) -> Result<bool> {
        self.remove(&checked_id(&id, OPERATION)?, None, OPERATION).await
    }

    /// Deletes an item, as [`Repo::delete`], if it is at `expected`.
    ///
    /// If the item has more than 10,000 versions and another write comes first, the oldest versions
    /// may be removed nevertheless.
    ///
    /// # Errors
    ///
    /// `Conflict` with the expected and the actual version if the item is at another one;
    /// `NotFound`; `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn delete_at(&self, id: impl ToId, expected: u64) -> Result<()> {
        const OPERATION: &str = "delete_at";
        let id = checked_id(&id, OPERATION)?;
        if self.remove(&id, Some(expected), OPERATION).await? {
            return Ok(());
        }
        Err(self.missing(&id, OPERATION))
    }

    async fn remove(
        &self,
        id: &Id,
        expected: Option<u64>,
        operation: &'static str,
    ) -> Result<bool> {
        let key = || self.address().latest(id);
        let mut restarts = Restarts::default();
        loop {
            let commit = self.store().new_ulid().to_string();
            let call = self.delete_script(id, &commit);
            let call = match expected {
                Some(expected) => call.int(expected),
                None => call,
            };
            loop {
                let write = Write::Script(call.clone());
                let outcome = self.commit(operation, &commit, write).await;
                let mut verdict = match outcome.map_err(|error| error.at(key()))? {
                    Outcome::Restart { .. } => break,
                    outcome => outcome.verdict(operation).map_err(|error| error.at(key()))?,
                };
                match (verdict.code, expected) {
                    (code::PARTLY, _) => {}
                    (code::CONFLICT, Some(expected)) => {
                        let actual = verdict.number(operation)?;
                        let kind = ErrorKind::Conflict { expected, actual };
                        return Err(Error::new(operation, kind).at(key()));
                    }
                    (verdict, _) => return Ok(verdict == code::DONE),
                }
            }
            restarts.restart(operation).map_err(|error| error.at(key()))?;
        }
    }

    pub(crate) fn delete_script(&self, id: &Id, commit: &str) -> ScriptCall {
        let at = self.address();
        let derived = self.derived_keys(id);
        let count = derived.len() as u64;
        ScriptCall::new(&DELETE)
            .key(at.latest(id))
            .key(at.index())
            .key(at.expiry())
            .key(at.audit(id))
            .key(at.trimmed(id))
            .keys(derived)
            .keys(self.id_sets())
            .address(at)
            .arg(id.as_str().to_owned())
            .arg(commit.to_owned())
            .int(self.store().now().as_millis())
            .int(count)
            .audit(&self.audit_context())
            .arg(Self::transformations_arg())
    }
}
