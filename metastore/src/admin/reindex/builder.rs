//! The builder of a check, and the order of its steps.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::checker::Checker;
use super::items::Row;
use super::jobs::Queued;
use super::report::IndexReport;
use crate::admin::walk::{Page, Task, Walk, page_of_items};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::index::segments;
use crate::repo::Repo;
use crate::repo::query::Projection;
use crate::store::cursor::Cursor;

/// The number of items that are read and checked at once.
const PAGE: usize = 200;

/// A run of [`Repo::verify`], [`Repo::repair`] or [`Repo::backfill`]: set what you need, then
/// `.await` it.
#[must_use = "nothing is checked until this is awaited"]
pub struct Reindex<'a, T: Document> {
    checker: Checker<'a, T>,
    walk: Walk<'a, Cursor, IndexReport>,
}

/// The walk over all items.
struct CheckItems<'a, 'c, T: Document> {
    checker: &'c Checker<'a, T>,
    queued: &'c Queued<T>,
}

impl<T: Document> Repo<T> {
    /// Checks all indexes, jobs and histories against the documents, changes nothing, and reports
    /// the differences.
    ///
    /// It runs concurrently with readers and writers. Some round trips for each 200 items, one for
    /// each 500 index entries, and one for each 1,000 keys of the whole server, to find items that
    /// are in no index.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `WrongType`. Problems of single items are in the report.
    pub fn verify(&self) -> Reindex<'_, T> {
        self.reindex("verify", false)
    }

    /// Checks as [`Repo::verify`] does, and repairs the differences: each item in one atomic step,
    /// only if it has not changed since it was read. Lost jobs are queued again. An item that
    /// cannot be repaired does not stop the run.
    ///
    /// It also applies a time to live that was added to the collection, changed or removed to
    /// existing items, with their versions and results. It counts from the last write, or from the
    /// creation with `ttl_on_update = keep`. An item that would have expired already gets the full
    /// time to live, from now.
    pub fn repair(&self) -> Reindex<'_, T> {
        self.reindex("repair", true)
    }

    /// Fills an index that was added to a collection with items. Until the run is complete, queries
    /// that need the index are refused with `IndexIncomplete`; everything else works as before.
    ///
    /// Run it after all writers know the index: a writer that does not know it removes the item's
    /// entries from it. It is the same as [`Repo::repair`] and may be repeated at any time. If a
    /// field has become `#[unique]` and several items have the same value, the first one keeps it,
    /// the report lists the others, and that index stays incomplete until they are changed; all
    /// other indexes can be used.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { #[index] title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let report = notes
    ///     .backfill()
    ///     .progress(|so_far| println!("{} of {}", so_far.checked, so_far.total))
    ///     .await?;
    /// assert_eq!(report.failed, 0, "{:?}", report.failures);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backfill(&self) -> Reindex<'_, T> {
        self.reindex("backfill", true)
    }

    fn reindex(&self, operation: &'static str, repair: bool) -> Reindex<'_, T> {
        Reindex { checker: Checker { repo: self, operation, repair }, walk: Walk::new() }
    }
}

impl<'a, T: Document> Reindex<'a, T> {
    /// Resumes an interrupted run at [`IndexReport::resume`].
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.walk.resume(cursor.clone());
        self
    }

    /// Calls a function with the report so far, after each page of items.
    pub fn progress(mut self, progress: impl FnMut(&IndexReport) + Send + 'a) -> Self {
        self.walk.progress(progress);
        self
    }

    async fn run(self) -> Result<IndexReport> {
        let Self { checker, walk } = self;
        let (total, repaired) = (checker.repo.count().await?, checker.repair);
        let is_complete = !walk.is_resumed();
        let queued = checker.queued().await?;
        let check = CheckItems { checker: &checker, queued: &queued };
        let report = IndexReport { total, repaired, ..IndexReport::default() };
        let mut report = walk.run(&check, report).await?;
        checker.stray_records(&mut report).await?;
        checker.unlisted_items(&queued, &mut report).await?;
        for segment in segments(T::SCHEMA) {
            // Each expected entry has been checked, so an index of the expected size has no
            // orphans.
            let expected = report.entries.get(&segment.to_string()).copied().unwrap_or(0);
            if !is_complete || checker.size_of(&segment).await? != expected {
                checker.orphans(&segment, &mut report).await?;
            }
        }
        Ok(report)
    }
}

impl<T: Document> Task for CheckItems<'_, '_, T> {
    type Cursor = Cursor;
    type Entry = Row;
    type Report = IndexReport;

    async fn read_page(&self, after: Option<&Cursor>, _limit: u64) -> Result<Page<Row, Cursor>> {
        let Checker { repo, operation, .. } = *self.checker;
        let query = page_of_items(repo, after, PAGE);
        let rows = query.rows(Projection::Documents, operation).await?;
        let next = query.next_cursor(&rows, operation).await?;
        Ok(Page { entries: rows.documents().collect(), next })
    }

    async fn process(&self, rows: Vec<Row>, report: &mut IndexReport) -> Result<()> {
        report.checked += rows.len() as u64;
        self.checker.check(rows, self.queued, report).await
    }

    fn resume_of(report: &mut IndexReport) -> &mut Option<Cursor> {
        &mut report.resume
    }
}

impl<'a, T: Document> IntoFuture for Reindex<'a, T> {
    type Output = Result<IndexReport, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
