//! Rewriting items of older schemas in the current one.

use super::walk::{
    Page, Task, Walk, concerns_one_item, for_each, item_run, list_failure, page_of_ids,
};
use crate::document::Document;
use crate::document::header::Header;
use crate::document::item::ToTarget;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::scope::Scope;
use crate::store::cursor::Cursor;

const OPERATION: &str = "migrate";

/// A run of [`Repo::migrate`]: set what you need, then `.await` it.
#[must_use = "nothing is migrated until this is awaited"]
pub struct Migrate<'a, T: Document> {
    task: MigrateTask<'a, T>,
    walk: Walk<'a, Cursor, MigrationReport>,
}

/// What a migration has done, or would do in a dry run.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MigrationReport {
    /// The number of items in the collection when the run began.
    pub total: u64,
    /// The number of items that this run has processed.
    pub done: u64,
    /// The number of items that it has rewritten in the current schema, or would have in a dry run.
    pub upgraded: u64,
    /// The number of items that it has skipped: they have the current schema or a newer one, or
    /// were deleted meanwhile.
    pub skipped: u64,
    /// The number of items that keep their older schema because they cannot be upgraded.
    pub failed: u64,
    /// The first 100 of those, each with the reason.
    pub failures: Vec<MigrationFailure>,
    /// Where to continue, with [`Migrate::resume`]; `None` at the end.
    pub resume: Option<Cursor>,
}

/// An item that keeps its older schema.
#[derive(Debug)]
#[non_exhaustive]
pub struct MigrationFailure {
    /// The id of the item.
    pub id: Id,
    /// What is wrong, with the key of the document.
    pub error: Error,
}

struct MigrateTask<'a, T: Document> {
    repo: &'a Repo<T>,
    dry_run: bool,
}

impl<T: Document> Repo<T> {
    /// Rewrites all items of older schemas in the current one.
    ///
    /// Each rewritten item gets a new version, even if the upgrade changes nothing but the schema
    /// number. Older versions do not change, and stored results become stale. An item keeps its
    /// deadline: a migration does not extend its time to live, but adds or removes a deadline if
    /// the collection gained or lost its time to live. An item that cannot be upgraded, or is
    /// invalid afterwards, is not changed but reported, and the migration continues.
    ///
    /// It can run concurrently with writers of both schemas, and with other runs: an item that is
    /// written meanwhile is read again, and skipped if it has the current schema by then. Items
    /// that a program with an older schema creates meanwhile may be missed; run it again after the
    /// last of those programs has stopped.
    ///
    /// Two round trips for each 500 items, and two for each rewritten item, 16 of them at once,
    /// which is also the number of documents in memory.
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
        Migrate { task: MigrateTask { repo: self, dry_run: false }, walk: Walk::new() }
    }
}

item_run!(Migrate, MigrationReport);

impl<T: Document> Migrate<'_, T> {
    /// Upgrades and checks every document and writes nothing. A unique value that another item
    /// already has is only found by a real run.
    pub fn dry_run(mut self) -> Self {
        self.task.dry_run = true;
        self
    }

    async fn run(self) -> Result<MigrationReport> {
        let Self { task, walk } = self;
        walk.check(OPERATION)?;
        let total = task.repo.count().await.map_err(|error| error.during(OPERATION))?;
        walk.run(&task, MigrationReport { total, ..MigrationReport::default() }).await
    }
}

impl<T: Document> Task for MigrateTask<'_, T> {
    type Cursor = Cursor;
    type Entry = Id;
    type Report = MigrationReport;

    async fn read_page(&self, after: Option<&Cursor>, limit: u64) -> Result<Page<Id, Cursor>> {
        page_of_ids(self.repo, after, limit, OPERATION).await
    }

    async fn process(&self, ids: Vec<Id>, report: &mut MigrationReport) -> Result<()> {
        report.done += ids.len() as u64;
        let mut old = Vec::new();
        for (id, is_old) in self.find_old(ids).await? {
            match is_old {
                Ok(true) => old.push(id),
                Ok(false) => report.skipped += 1,
                Err(error) => report.add_failure(id, error)?,
            }
        }
        let migrate = |id: Id| async {
            let upgraded = self.migrate_one(&id).await;
            (id, upgraded)
        };
        for_each(old, migrate, |(id, upgraded)| {
            match upgraded {
                Ok(true) => report.upgraded += 1,
                Ok(false) => report.skipped += 1,
                Err(error) => return report.add_failure(id, error),
            }
            Ok(())
        })
        .await
    }

    fn resume_of(report: &mut MigrationReport) -> &mut Option<Cursor> {
        &mut report.resume
    }
}

impl<T: Document> MigrateTask<'_, T> {
    /// Which of the items have an older schema. Only the first bytes of each are read.
    async fn find_old(&self, ids: Vec<Id>) -> Result<Vec<(Id, Result<bool>)>> {
        let at = self.repo.address();
        let keys: Vec<String> = ids.iter().map(|id| at.latest(id)).collect();
        let headers = self.repo.each_header(&keys, OPERATION).await?;
        let is_old = |header: Result<Option<Header>>| {
            // A missing or empty key is recognised when the item is read.
            header.map(|header| header.is_none_or(|header| header.schema < T::SCHEMA.version))
        };
        Ok(ids.into_iter().zip(headers.into_iter().map(is_old)).collect())
    }

    /// Returns whether the item was upgraded, or would be.
    async fn migrate_one(&self, id: &Id) -> Result<bool> {
        let upgraded = if self.dry_run {
            self.try_upgrade(id).await
        } else {
            let target = id.to_target();
            let written = self.repo.change(target, OPERATION, Scope::Shape, |_| Ok(())).await;
            written.map(|item| !item.unchanged)
        };
        match upgraded {
            Err(error) if error.is_not_found() => Ok(false),
            // A newer program has written the item meanwhile.
            Err(error) if matches!(error.kind(), ErrorKind::NewerSchema { .. }) => Ok(false),
            upgraded => upgraded,
        }
    }

    async fn try_upgrade(&self, id: &Id) -> Result<bool> {
        let base = self.repo.read_existing(id, OPERATION).await?;
        if base.schema >= T::SCHEMA.version {
            return Ok(false);
        }
        let next = self.repo.next(&base, base.data.clone(), Scope::Shape, OPERATION)?;
        Ok(next.is_some())
    }
}

impl MigrationReport {
    /// Records a failure of one item; returns an error that concerns all of them.
    fn add_failure(&mut self, id: Id, error: Error) -> Result<()> {
        if !concerns_one_item(&error) {
            return Err(error);
        }
        self.failed += 1;
        list_failure(&mut self.failures, MigrationFailure { id, error });
        Ok(())
    }
}
