//! Reading the audit trail of an item, or the audit feed of a collection.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::Serialize;

use crate::audit::{AuditEntry, AuditOperation, AuditPosition};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Actor, Id, InvalidActor, InvalidId, ToActor, ToId};
use crate::redis::command::{Command, Reply, unexpected};
use crate::repo::Repo;
use crate::store::Store;
use crate::time::Timestamp;

const OPERATION: &str = "audit";

/// The default number of entries on a page.
const DEFAULT_LIMIT: usize = 50;

/// The maximum number of entries on a page, and of one round trip.
const MAX_LIMIT: usize = 1_000;

/// How many entries the first round trip of a page with a filter reads; each further one reads four
/// times as many, up to [`MAX_LIMIT`].
const FIRST_READ: usize = 100;

/// A page with a filter ends after reading this many entries even if it is not full.
const MAX_READ: usize = 10_000;

/// A query for audit entries: set what you need, then `.await` it.
///
/// A stream is only indexed by time. With `operation` or `actor`, a page reads up to 10,000
/// entries, up to 1,000 a round trip, and returns those that match, which may be none; its position
/// then still allows to continue.
#[must_use = "entries are read when this is awaited"]
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    store: &'a Store,
    stream: Result<(String, Option<Id>), InvalidId>,
    limit: usize,
    newest_first: bool,
    operation: Option<AuditOperation>,
    actor: Option<Result<Actor, InvalidActor>>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    after: Option<AuditPosition>,
}

/// A page of audit entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries, in the requested order.
    pub entries: Vec<AuditEntry>,
    /// The positions of entries that cannot be read, because another program has written them. They
    /// are left out.
    pub unreadable: Vec<AuditPosition>,
    /// The position of the last entry that this page has read: pass it to [`Audit::after`] to
    /// continue, now or after a restart. `None` if there was no entry and no position to continue
    /// from.
    pub position: Option<AuditPosition>,
    /// Whether there were more entries to read.
    pub more: bool,
    /// Whether the entry to continue from no longer exists. It has been trimmed, and entries after
    /// it that were not read yet may have been trimmed, too.
    pub gap: bool,
}

impl<T: Document> Repo<T> {
    /// Reads the audit trail of an item. Default: the 50 newest entries.
    ///
    /// One round trip; more with a filter, see [`Audit`]. The trail of a deleted item is kept. The
    /// trail of an item with a time to live expires some time after it, see
    /// [`StoreOptions::audit_trail_grace`](crate::StoreOptions::audit_trail_grace).
    ///
    /// # Errors
    ///
    /// `InvalidId`, also for an actor; `InvalidArgument` for a limit out of range; `WrongType`;
    /// `Unavailable`.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// for entry in notes.audit("abc123").operation("update").actor("u42").await?.entries {
    ///     println!("{} {:?}: {}", entry.at, entry.version, entry.changed.join(", "));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit(&self, id: impl ToId) -> Audit<'_> {
        let stream = id.to_id().map(|id| (self.address().audit(&id), Some(id)));
        Audit { newest_first: true, ..self.audit_of(stream) }
    }

    /// Reads the audit feed of the collection: the entries of all its items. Default: the 50
    /// oldest.
    ///
    /// Round trips and errors as [`Repo::audit`]. To follow the feed, store the position of each
    /// page and read the page after it in a loop:
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let mut position = None; // or the stored one
    /// loop {
    ///     let page = notes.audit_feed().after(position).limit(500).await?;
    ///     for entry in &page.entries {
    ///         println!("{} {} {}", entry.at, entry.operation, entry.id);
    ///     }
    ///     position = page.position;
    ///     if !page.more {
    ///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///     }
    /// }
    /// # }
    /// ```
    pub fn audit_feed(&self) -> Audit<'_> {
        self.audit_of(Ok((self.address().audit_feed(), None)))
    }

    fn audit_of(&self, stream: Result<(String, Option<Id>), InvalidId>) -> Audit<'_> {
        Audit {
            store: self.store(),
            stream,
            limit: DEFAULT_LIMIT,
            newest_first: false,
            operation: None,
            actor: None,
            since: None,
            until: None,
            after: None,
        }
    }
}

impl Audit<'_> {
    /// The maximum number of entries, from 1 to 1,000. Default: 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The newest entry first. The default for the trail of an item.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// The oldest entry first. The default for the feed.
    pub fn oldest_first(mut self) -> Self {
        self.newest_first = false;
        self
    }

    /// Only entries of this operation, such as `"update"`.
    pub fn operation(mut self, operation: impl Into<AuditOperation>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only entries of this actor.
    pub fn actor(mut self, actor: impl ToActor) -> Self {
        self.actor = Some(actor.to_actor());
        self
    }

    /// Only entries from this time on.
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Only entries before this time.
    pub fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Continues after the position of another page of the same trail or feed in the same order.
    /// `None` starts at the beginning.
    pub fn after(mut self, position: impl Into<Option<AuditPosition>>) -> Self {
        self.after = position.into();
        self
    }

    async fn read(self) -> Result<AuditPage> {
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            let message = format!("limit must be from 1 to {MAX_LIMIT}, not {}", self.limit);
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let invalid = |error: &InvalidId| Error::from(error.clone()).during(OPERATION);
        let (key, owner) = self.stream.as_ref().map_err(invalid)?;
        let actor = self.actor.as_ref().map(Result::as_ref).transpose();
        let actor = actor.map_err(|error| Error::from(error.clone()).during(OPERATION))?;
        let matches = |entry: &AuditEntry| {
            self.operation.as_ref().is_none_or(|wanted| entry.operation == *wanted)
                && actor.is_none_or(|wanted| entry.actor.as_ref() == Some(wanted))
        };
        let filtered = self.operation.is_some() || actor.is_some();

        let mut page = AuditPage { position: self.after, ..AuditPage::default() };
        let Some((mut range, mut anchor)) = self.range() else { return Ok(page) };
        let mut batch = FIRST_READ;
        let mut read = 0;
        loop {
            // One more than wanted, to know whether there are more, and the entry to continue from.
            let wanted = self.limit - page.entries.len() + 1 + usize::from(anchor.is_some());
            let count = if filtered { batch.max(wanted) } else { wanted };
            let found = self.fetch(key, range, count).await?;
            let is_last = found.len() < count;
            read += found.len();
            if let Some(anchor) = anchor.take() {
                page.gap = found.first().is_none_or(|(position, _)| *position != anchor);
            }
            for (position, fields) in found {
                if self.after == Some(position) {
                    continue;
                }
                if page.entries.len() == self.limit {
                    page.more = true;
                    return Ok(page);
                }
                page.position = Some(position);
                match AuditEntry::read(position, fields, owner.as_ref()) {
                    Ok(entry) if matches(&entry) => page.entries.push(entry),
                    Ok(_) => {}
                    Err(reason) => {
                        tracing::warn!(key, %position, reason, "an audit entry cannot be read");
                        page.unreadable.push(position);
                    }
                }
            }
            page.more = !is_last;
            if is_last || read >= MAX_READ {
                return Ok(page);
            }
            range.exclusive = true;
            range.from = page.position.unwrap_or(range.from);
            batch = (batch * 4).min(MAX_LIMIT);
        }
    }

    /// The range to read, and the position of the entry to continue from, which must be the first
    /// in it unless it was trimmed; `None` if the range is empty.
    fn range(&self) -> Option<(Range, Option<AuditPosition>)> {
        let oldest = self.since.map_or(AuditPosition::MIN, AuditPosition::first_of);
        let newest = match self.until {
            Some(time) => AuditPosition::first_of(time).before()?,
            None => AuditPosition::MAX,
        };
        let (begin, end) = if self.newest_first { (newest, oldest) } else { (oldest, newest) };
        let further = |a: AuditPosition, b| if self.newest_first { a.min(b) } else { a.max(b) };
        let from = self.after.map_or(begin, |after| further(begin, after));
        (further(from, end) == end).then(|| {
            (Range { from, to: end, exclusive: false }, self.after.filter(|at| *at == from))
        })
    }

    async fn fetch(
        &self,
        key: &str,
        range: Range,
        count: usize,
    ) -> Result<Vec<(AuditPosition, Reply)>> {
        let name = if self.newest_first { "XREVRANGE" } else { "XRANGE" };
        let bracket = if range.exclusive { "(" } else { "" };
        let command = Command::new(name)
            .arg(key.to_owned())
            .arg(format!("{bracket}{}", range.from))
            .arg(range.to.to_string())
            .arg("COUNT")
            .int(count as u64);
        let reply = self
            .store
            .reader()
            .call(command)
            .await
            .map_err(|fault| fault.into_error(OPERATION).at(key))?;
        let strange = || unexpected(OPERATION, &"no list of entries").at(key);
        let entries = reply.into_array().ok_or_else(strange)?.into_iter();
        entries
            .map(|entry| {
                let mut parts = entry.into_array().ok_or_else(strange)?.into_iter();
                let position = parts.next().and_then(|position| position.as_text()?.parse().ok());
                Ok((position.ok_or_else(strange)?, parts.next().ok_or_else(strange)?))
            })
            .collect()
    }
}

/// A range of a stream, in reading order.
#[derive(Clone, Copy)]
struct Range {
    from: AuditPosition,
    to: AuditPosition,
    /// Whether `from` is excluded.
    exclusive: bool,
}

impl<'a> IntoFuture for Audit<'a> {
    type Output = Result<AuditPage>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
