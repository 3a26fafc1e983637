//! Renewing the deadline of an item without a new version.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::script::{ScriptCall, TOUCH, code};
use crate::redis::write::retry::Restarts;
use crate::redis::write::{Outcome, Write};
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

impl<T: Document> Repo<T> {
    /// Renews the time to live of an item, whatever `ttl_on_update` says, and returns the new
    /// deadline. Writes no version and no audit entry. In a collection without a time to live it
    /// removes a deadline that an earlier definition of the collection has set, and returns `None`.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `NotFound`, also for an item that has expired; `InvalidId`, `OutOfMemory`, `Unavailable`,
    /// `OutcomeUnknown`.
    ///
    /// ```
    /// # use metastore::{Collection, Store};
    /// #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// #[collection(domain = "d", app = "a", name = "sessions", object_type = state, ttl = "30m")]
    /// struct Session { user: String }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// let sessions = Store::embedded().await?.repo::<Session>();
    /// let session = sessions.create(Session { user: "ada".into() }).await?;
    /// let deadline = sessions.touch(&session.id).await?;
    /// assert!(deadline >= session.expires_at);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn touch(&self, id: impl ToId) -> Result<Option<Timestamp>> {
        const OPERATION: &str = "touch";
        let id = checked_id(&id, OPERATION)?;
        let mut restarts = Restarts::default();
        loop {
            let now = self.store().now();
            let deadline = Self::deadline(now);
            let write = Write::Script(self.touch_script(&id, deadline, now, None));
            match self.commit(OPERATION, "", write).await? {
                Outcome::Restart { .. } => {}
                outcome => return self.touched(&id, outcome, 0, OPERATION).map(|()| deadline),
            }
            let key = || self.address().latest(&id);
            restarts.restart(OPERATION).map_err(|error| error.at(key()))?;
        }
    }

    /// Sets the deadline of an item without a new version, if the item is still at this version.
    pub(crate) async fn renew(
        &self,
        base: &Item<T>,
        deadline: Option<Timestamp>,
        now: Timestamp,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let (mut now, mut deadline) = (now, deadline);
        let mut restarts = Restarts::default();
        loop {
            let write = Write::Script(self.touch_script(&base.id, deadline, now, Some(base)));
            match self.commit(operation, "", write).await? {
                Outcome::Restart { .. } => {}
                outcome => {
                    self.touched(&base.id, outcome, base.version, operation)?;
                    return Ok(base.clone().expiring(deadline));
                }
            }
            let key = || self.address().latest(&base.id);
            restarts.restart(operation).map_err(|error| error.at(key()))?;
            now = self.store().now();
            deadline = deadline.and(Self::deadline(now));
        }
    }

    pub(crate) fn touch_script(
        &self,
        id: &Id,
        deadline: Option<Timestamp>,
        now: Timestamp,
        expected: Option<&Item<T>>,
    ) -> ScriptCall {
        let at = self.address();
        let (version, commit) = expected
            .map(|item| (item.version.to_string(), item.commit.clone()))
            .unwrap_or_default();
        ScriptCall::new(&TOUCH)
            .key(at.latest(id))
            .key(at.index())
            .address(at)
            .arg(id.as_str().to_owned())
            .arg(deadline.map(|at| at.as_millis().to_string()).unwrap_or_default())
            .int(now.as_millis())
            .arg(version)
            .arg(commit)
            .arg(Self::derived_arg())
    }

    fn touched(
        &self,
        id: &Id,
        outcome: Outcome,
        expected: u64,
        operation: &'static str,
    ) -> Result<()> {
        let mut verdict = outcome.verdict(operation)?;
        let kind = match verdict.code {
            code::DONE => return Ok(()),
            code::CONFLICT => ErrorKind::Conflict { expected, actual: verdict.number(operation)? },
            code::NOT_FOUND => ErrorKind::NotFound,
            _ => envelope::not_an_envelope(),
        };
        Err(Error::new(operation, kind).at(self.address().latest(id)))
    }
}
