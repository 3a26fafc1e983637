//! When items expire: what a write does to the deadline, and renewing it without a write.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::command::Verdict;
use crate::redis::script::{ScriptCall, TOUCH};
use crate::redis::write::UNTIMELY;
use crate::repo::create::{UNTIMELY_RETRIES, untimely};
use crate::repo::update::Scope;
use crate::repo::{Repo, checked_id};
use crate::schema::TtlOnUpdate;
use crate::time::Timestamp;

/// What a write does to the deadline of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    Keep,
    Remove,
    At(Timestamp),
}

impl Deadline {
    /// As `update.lua` takes it.
    pub(crate) fn arg(self) -> String {
        match self {
            Self::Keep => String::new(),
            Self::Remove => "-".to_owned(),
            Self::At(time) => time.as_millis().to_string(),
        }
    }

    /// The deadline that an item has afterwards.
    pub(crate) fn after(self, before: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::At(time) => Some(time),
        }
    }
}

impl<T: Document> Repo<T> {
    /// Renews the time to live of an item, whatever `ttl_on_update` says, and gives the new deadline. Writes
    /// no version and no audit entry. In a collection without a time to live it removes a deadline that an
    /// earlier definition of the collection has set, and gives `None`.
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
        for _ in 0..=UNTIMELY_RETRIES {
            let now = self.store().now();
            let deadline = Self::deadline(now);
            let call = self.touch_call(&id, deadline, now, None);
            let verdict = self.write(OPERATION, "", call).await?;
            if verdict.code != UNTIMELY {
                return self.touched(&id, verdict, 0, OPERATION).map(|()| deadline);
            }
        }
        Err(untimely(OPERATION).at(self.address().latest(&id)))
    }

    /// What a write does to the deadline of an item that has this one by its envelope.
    pub(crate) fn next_deadline(
        stated: Option<Timestamp>,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> Deadline {
        let renews =
            T::SCHEMA.ttl_on_update == TtlOnUpdate::Reset && !matches!(scope, Scope::Shape);
        match Self::deadline(now) {
            // The collection has lost its time to live. A deadline that is not stated was set by hand.
            None if stated.is_some() => Deadline::Remove,
            // The collection has its time to live since the item was last written.
            Some(deadline) if renews || stated.is_none() => Deadline::At(deadline),
            None | Some(_) => Deadline::Keep,
        }
    }

    /// Gives the item in hand another deadline and no new version, if it is still the current one.
    pub(crate) async fn renew(
        &self,
        base: &Item<T>,
        deadline: Option<Timestamp>,
        now: Timestamp,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let (mut now, mut deadline) = (now, deadline);
        for _ in 0..=UNTIMELY_RETRIES {
            let call = self.touch_call(&base.id, deadline, now, Some(base));
            let verdict = self.write(operation, "", call).await?;
            if verdict.code != UNTIMELY {
                self.touched(&base.id, verdict, base.version, operation)?;
                return Ok(base.clone().expiring(deadline));
            }
            now = self.store().now();
            deadline = deadline.and(Self::deadline(now));
        }
        Err(untimely(operation).at(self.address().latest(&base.id)))
    }

    pub(crate) fn touch_call(
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
            .arg(id.as_str().to_owned())
            .arg(format!("{}{id}", at.item_prefix()))
            .arg(deadline.map(|at| at.as_millis().to_string()).unwrap_or_default())
            .int(now.as_millis())
            .arg(version)
            .arg(commit)
            .args(self.derived_keys(id))
    }

    pub(crate) fn touched(
        &self,
        id: &Id,
        mut verdict: Verdict,
        expected: u64,
        operation: &'static str,
    ) -> Result<()> {
        let kind = match verdict.code {
            1 => return Ok(()),
            0 => ErrorKind::Conflict { expected, actual: verdict.number(operation)? },
            -1 => ErrorKind::NotFound,
            _ => envelope::not_an_envelope(),
        };
        Err(Error::new(operation, kind).at(self.address().latest(id)))
    }
}
