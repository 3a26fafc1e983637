//! Rewriting items of older schemas in the current one.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::stream::{self, StreamExt as _};

use crate::document::Document;
use crate::document::header::Head;
use crate::document::item::ToTarget;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::page::Page;
use crate::repo::scope::Scope;
use crate::store::cursor::Cursor;

const OPERATION: &str = "migrate";

/// How many items are looked at in one round trip.
const PAGE: usize = 500;

/// How many items are rewritten at once: enough to keep the line to the server busy, and as many
/// documents as are in memory.
const AT_ONCE: usize = 16;

/// The most failures that a report lists.
const LISTED: usize = 100;

/// A migration to be run: set what you need, then `.await` it.
#[must_use = "nothing is migrated until this is awaited"]
pub struct Migrate<'a, T: Document> {
    walk: Walk<'a, T>,
    resume: Option<Cursor>,
    limit: u64,
    progress: Box<dyn FnMut(&MigrationReport) + Send + 'a>,
}

/// What the steps of a migration need to know.
struct Walk<'a, T: Document> {
    repo: &'a Repo<T>,
    dry_run: bool,
}

/// What a migration has done, or would do in a dry run.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MigrationReport {
    /// How many items the collection had when the run began.
    pub total: u64,
    /// How many items this run has looked at.
    pub done: u64,
    /// How many it has rewritten in the current schema; in a dry run, how many it would have.
    pub upgraded: u64,
    /// How many it has left alone: they are of the current schema, or of a newer one, or gone by now.
    pub skipped: u64,
    /// How many stay in their older schema because something is wrong with them.
    pub failed: u64,
    /// The first 100 of those, and what is wrong.
    pub failures: Vec<MigrationFailure>,
    /// Where to go on, by [`Migrate::resume`]; `None` at the end.
    pub resume: Option<Cursor>,
}

/// An item that stays in its older schema.
#[derive(Debug)]
#[non_exhaustive]
pub struct MigrationFailure {
    /// The id of the item.
    pub id: Id,
    /// What is wrong, with the key of the document.
    pub error: Error,
}

impl<T: Document> Repo<T> {
    /// Rewrites all items of older schemas in the current one.
    ///
    /// Each becomes a new version, also where the upgrade changes nothing but the number; the versions before
    /// stay as they are, and stored results count as stale. An item keeps its deadline: a migration
    /// prolongs no life. An item that cannot be upgraded, or breaks a rule of validation then, stays
    /// untouched and is reported, and the migration goes on.
    ///
    /// It can run beside writers of both shapes, and beside itself: an item that is written in between is
    /// read again, and one that is of the current schema by then is skipped. Items that a program of an
    /// older schema creates meanwhile may be missed; run it again when the last of those has stopped.
    ///
    /// Two round trips for each 500 items, and two for each item that is rewritten, 16 of them at once.
    /// Memory holds no more than these.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let would = notes.migrate().dry_run().await?;
    /// for failure in &would.failures {
    ///     println!("{}", failure.error);
    /// }
    /// let report = notes.migrate().progress(|p| println!("{} of {}", p.done, p.total)).await?;
    /// println!("{} upgraded, {} failed", report.upgraded, report.failed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn migrate(&self) -> Migrate<'_, T> {
        Migrate {
            walk: Walk { repo: self, dry_run: false },
            resume: None,
            limit: u64::MAX,
            progress: Box::new(|_| {}),
        }
    }
}

impl<'a, T: Document> Migrate<'a, T> {
    /// Upgrades and checks every document and writes none. A value of a unique field that another item
    /// has shows only in a real run.
    pub fn dry_run(mut self) -> Self {
        self.walk.dry_run = true;
        self
    }

    /// Goes on where an earlier run was: at the cursor of its report, or of its last call of
    /// [`Migrate::progress`]. Default: at the beginning, which is right too, since items that are done
    /// are only skipped.
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.resume = Some(cursor.clone());
        self
    }

    /// Looks at no more than this many items, at least 1, and leaves the rest to a further run. Default: all.
    pub fn limit(mut self, items: u64) -> Self {
        self.limit = items;
        self
    }

    /// Calls a function with the report so far, after each 500 items.
    pub fn progress(mut self, report: impl FnMut(&MigrationReport) + Send + 'a) -> Self {
        self.progress = Box::new(report);
        self
    }

    async fn run(self) -> Result<MigrationReport> {
        let Self { walk, resume, limit, mut progress } = self;
        if limit == 0 {
            let message = "limit must be at least 1".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let total = walk.repo.count().await.map_err(|error| error.during(OPERATION))?;
        let mut report = MigrationReport { total, resume, ..Default::default() };
        while report.done < limit {
            let left = usize::try_from(limit - report.done).unwrap_or(usize::MAX);
            let mut query = walk.repo.list().oldest_first().limit(left.min(PAGE));
            if let Some(cursor) = &report.resume {
                query = query.after(cursor);
            }
            let Page { items, next, .. } =
                query.ids().await.map_err(|error| error.during(OPERATION))?;
            walk.page(items, &mut report).await?;
            report.resume = next;
            progress(&report);
            if report.resume.is_none() {
                break;
            }
        }
        Ok(report)
    }
}

impl<T: Document> Walk<'_, T> {
    async fn page(&self, ids: Vec<Id>, report: &mut MigrationReport) -> Result<()> {
        report.done += ids.len() as u64;
        let mut old = Vec::new();
        for (id, is_old) in self.older(ids).await? {
            match is_old {
                Ok(true) => old.push(id),
                Ok(false) => report.skipped += 1,
                Err(error) => report.add_failure(id, error)?,
            }
        }
        let one = |id: Id| async {
            let written = self.one(&id).await;
            (id, written)
        };
        let mut running = stream::iter(old).map(one).buffer_unordered(AT_ONCE);
        while let Some((id, written)) = running.next().await {
            match written {
                Ok(true) => report.upgraded += 1,
                Ok(false) => report.skipped += 1,
                Err(error) => report.add_failure(id, error)?,
            }
        }
        Ok(())
    }

    /// Which of the items are of an older schema, by their first bytes.
    async fn older(&self, ids: Vec<Id>) -> Result<Vec<(Id, Result<bool>)>> {
        let at = self.repo.address();
        let keys: Vec<String> = ids.iter().map(|id| at.latest(id)).collect();
        let heads = self.repo.each_head(&keys, OPERATION).await?;
        let is_old = |head: Result<Option<Head>>| {
            // One that is gone, or holds nothing at all, shows when it is read.
            head.map(|head| head.is_none_or(|head| head.schema < T::SCHEMA.version))
        };
        Ok(ids.into_iter().zip(heads.into_iter().map(is_old)).collect())
    }

    /// Whether the item was of an older schema, and is, or would be, of the current one now.
    async fn one(&self, id: &Id) -> Result<bool> {
        let written = if self.dry_run {
            self.rehearse(id).await
        } else {
            let target = id.to_target();
            let written = self.repo.change(target, OPERATION, Scope::Shape, |_| Ok(())).await;
            written.map(|item| !item.unchanged)
        };
        match written {
            Err(error) if error.is_not_found() => Ok(false),
            // A newer program has come first.
            Err(error) if matches!(error.kind(), ErrorKind::NewerSchema { .. }) => Ok(false),
            written => written,
        }
    }

    async fn rehearse(&self, id: &Id) -> Result<bool> {
        let base = self.repo.read_existing(id, OPERATION).await?;
        if base.schema >= T::SCHEMA.version {
            return Ok(false);
        }
        let next = self.repo.next(&base, base.data.clone(), Scope::Shape, OPERATION)?;
        Ok(next.is_some())
    }
}

impl MigrationReport {
    /// Notes what is wrong with one item; gives back what is wrong with everything.
    fn add_failure(&mut self, id: Id, error: Error) -> Result<()> {
        let of_one_item = error.is_invalid_document()
            || matches!(
                error.kind(),
                ErrorKind::Upgrade { .. }
                    | ErrorKind::Decode { .. }
                    | ErrorKind::WrongType(_)
                    | ErrorKind::AlreadyExists { .. }
                    | ErrorKind::Conflict { .. }
            );
        if !of_one_item {
            return Err(error);
        }
        self.failed += 1;
        if self.failures.len() < LISTED {
            self.failures.push(MigrationFailure { id, error });
        }
        Ok(())
    }
}

impl<'a, T: Document> IntoFuture for Migrate<'a, T> {
    type Output = Result<MigrationReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
