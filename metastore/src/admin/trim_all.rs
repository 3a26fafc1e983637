//! Retention for all items of a collection.

use super::walk::{
    Page, Task, Walk, concerns_one_item, for_each, item_run, list_failure, page_of_ids,
};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::store::cursor::Cursor;

const OPERATION: &str = "trim_all";

/// A run of [`Repo::trim_all`]: set what you need, then `.await` it.
#[must_use = "nothing is trimmed until this is awaited"]
pub struct TrimAll<'a, T: Document> {
    task: TrimTask<'a, T>,
    walk: Walk<'a, Cursor, TrimReport>,
}

/// What [`Repo::trim_all`] has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TrimReport {
    /// The number of items in the collection when the run began.
    pub total: u64,
    /// The number of items that this run has processed.
    pub done: u64,
    /// The number of versions that it has removed.
    pub removed: u64,
    /// The number of items that could not be trimmed, because their keys do not hold a document.
    pub failed: u64,
    /// The first 100 of these errors, with the keys.
    pub failures: Vec<Error>,
    /// Where to continue, with [`TrimAll::resume`]; `None` at the end.
    pub resume: Option<Cursor>,
}

struct TrimTask<'a, T: Document> {
    repo: &'a Repo<T>,
}

impl<T: Document> Repo<T> {
    /// Removes the versions of all items that the collection's retention no longer keeps, as
    /// [`Repo::trim`] does for one item.
    ///
    /// Every write trims its own item. Run this regularly if the collection has `keep_for`, for the
    /// items that are no longer written; and once after a retention was added or shortened. It can
    /// run concurrently with writers and with other runs.
    ///
    /// One round trip for each 500 items, and one for each item or, if there is more to remove, for
    /// each 1,000 of its versions, 16 of them at once; none for a collection without retention.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(
    /// #     domain = "d", app = "a", name = "notes", object_type = texts, keep_for = "90d"
    /// # )]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let report = notes.trim_all().progress(|p| println!("{} of {}", p.done, p.total)).await?;
    /// println!("{} versions removed", report.removed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn trim_all(&self) -> TrimAll<'_, T> {
        TrimAll { task: TrimTask { repo: self }, walk: Walk::new() }
    }
}

item_run!(TrimAll, TrimReport);

impl<T: Document> TrimAll<'_, T> {
    async fn run(self) -> Result<TrimReport> {
        let Self { task, walk } = self;
        walk.check(OPERATION)?;
        if !T::SCHEMA.trims() {
            return Ok(TrimReport::default());
        }
        let total = task.repo.count().await.map_err(|error| error.during(OPERATION))?;
        walk.run(&task, TrimReport { total, ..TrimReport::default() }).await
    }
}

impl<T: Document> Task for TrimTask<'_, T> {
    type Cursor = Cursor;
    type Entry = Id;
    type Report = TrimReport;

    async fn read_page(&self, after: Option<&Cursor>, limit: u64) -> Result<Page<Id, Cursor>> {
        page_of_ids(self.repo, after, limit, OPERATION).await
    }

    async fn process(&self, ids: Vec<Id>, report: &mut TrimReport) -> Result<()> {
        report.done += ids.len() as u64;
        let trim = |id: Id| async move { self.repo.trimmed(&id, OPERATION).await };
        for_each(ids, trim, |removed| match removed {
            // A deleted item has no versions to remove.
            Ok(removed) => {
                report.removed += removed.unwrap_or(0);
                Ok(())
            }
            Err(error) if concerns_one_item(&error) => {
                report.failed += 1;
                list_failure(&mut report.failures, error);
                Ok(())
            }
            Err(error) => Err(error),
        })
        .await
    }

    fn resume_of(report: &mut TrimReport) -> &mut Option<Cursor> {
        &mut report.resume
    }
}
