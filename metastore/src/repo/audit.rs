//! Reading the audit: the trail of an item, or the feed of the collection.

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

/// How many entries a page gives unless it is told otherwise.
const DEFAULT_LIMIT: usize = 50;

/// The most entries of one page, and of one round trip.
const MAX_LIMIT: usize = 1_000;

/// The entries that the first round trip of a page with a filter looks at; each further one looks at
/// four times as many, up to [`MAX_LIMIT`].
const FIRST_LOOK: usize = 100;

/// After how many entries a page with a filter ends, though it is not full.
const MAX_LOOKED_AT: usize = 10_000;

/// A page of audit entries to be read: set what you need, then `.await` it.
///
/// A stream is searched by time alone. With `operation` or `actor`, a page looks at up to 10,000 entries, in
/// round trips of up to 1,000, and gives those that match, which may be none; it then still has a
/// position to go on from.
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
    /// The entries, in the order that was asked for.
    pub entries: Vec<AuditEntry>,
    /// Where entries stand that cannot be read, because somebody else has written them. They are passed over.
    pub unreadable: Vec<AuditPosition>,
    /// How far this page looked: hand it to [`Audit::after`] to go on, now or after a restart. `None` if
    /// there was nothing to look at and nothing to go on from.
    pub position: Option<AuditPosition>,
    /// Whether there were more entries to look at when the page was read.
    pub more: bool,
    /// Whether the entry to go on from is no longer there. It has been trimmed, and others that were not
    /// read yet may have been too.
    pub gap: bool,
}

impl<T: Document> Repo<T> {
    /// Reads the audit trail of an item: the 50 newest entries, unless told otherwise.
    ///
    /// One round trip; more with a filter, see [`Audit`]. An item that was deleted keeps its trail. That of
    /// an item with a time to live goes after it, see
    /// [`StoreOptions::audit_trail_grace`](crate::StoreOptions::audit_trail_grace).
    ///
    /// # Errors
    ///
    /// `InvalidId`, also for an actor; `InvalidArgument` for a limit that is out of its range; `WrongType`;
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

    /// Reads the audit feed of the collection, the entries of all its items: the 50 oldest, unless told
    /// otherwise.
    ///
    /// Round trips and errors as [`Repo::audit`]. To follow it, keep the position of each page and ask
    /// for what comes after it, again and again:
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let mut position = None; // or the one that was kept
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
    /// At most this many entries, from 1 to 1,000. Default: 50.
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

    /// Only entries of what this actor did.
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

    /// Goes on after the position of another page of the same trail or feed in the same order. `None`
    /// begins at the beginning.
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
        let mut look = FIRST_LOOK;
        let mut looked_at = 0;
        loop {
            // One more than wanted, to see whether there is one, and the one to go on from.
            let wanted = self.limit - page.entries.len() + 1 + usize::from(anchor.is_some());
            let count = if filtered { look.max(wanted) } else { wanted };
            let found = self.fetch(key, range, count).await?;
            let last_look = found.len() < count;
            looked_at += found.len();
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
            page.more = !last_look;
            if last_look || looked_at >= MAX_LOOKED_AT {
                return Ok(page);
            }
            range.exclusive = true;
            range.from = page.position.unwrap_or(range.from);
            look = (look * 4).min(MAX_LIMIT);
        }
    }

    /// What is to be looked at, and the position that must be found first if nothing was trimmed; `None`
    /// if that is nothing at all.
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

/// A part of a stream, in the order of reading.
#[derive(Clone, Copy)]
struct Range {
    from: AuditPosition,
    to: AuditPosition,
    /// Whether `from` itself is left out.
    exclusive: bool,
}

impl<'a> IntoFuture for Audit<'a> {
    type Output = Result<AuditPage>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
