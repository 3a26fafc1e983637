//! Applying retention to all items of a collection.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::stream::{self, StreamExt as _};

use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::page::Page;
use crate::store::cursor::Cursor;

const OPERATION: &str = "trim_all";

/// How many ids are asked for in one round trip.
const PAGE: usize = 500;

/// How many items are trimmed at once: enough to keep the line to the server busy, and few enough
/// that others get their turn in between.
const AT_ONCE: usize = 16;

/// The most failures that a report lists.
const LISTED: usize = 100;

/// Retention to be applied to a collection: set what you need, then `.await` it.
#[must_use = "nothing is trimmed until this is awaited"]
pub struct TrimAll<'a, T: Document> {
    repo: &'a Repo<T>,
    resume: Option<Cursor>,
    limit: u64,
    progress: Box<dyn FnMut(&TrimReport) + Send + 'a>,
}

/// What [`Repo::trim_all`] has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TrimReport {
    /// How many items the collection had when the run began.
    pub total: u64,
    /// How many items this run has looked at.
    pub done: u64,
    /// How many versions it has removed.
    pub removed: u64,
    /// How many items could not be trimmed, because their keys hold something else than a document.
    pub failed: u64,
    /// The first 100 of these errors, with the keys.
    pub failures: Vec<Error>,
    /// Where to go on, by [`TrimAll::resume`]; `None` at the end.
    pub resume: Option<Cursor>,
}

impl<T: Document> Repo<T> {
    /// Removes the versions of all items that the collection's retention lets go, as [`Repo::trim`]
    /// does for one.
    ///
    /// Every write does this for its own item. Run this from time to time if the collection has
    /// `keep_for`, for the items that are not written any more; and once after a retention was added or
    /// tightened. It can run beside writers, and beside itself.
    ///
    /// One round trip for each 500 items, and one for each item or, with more than that to remove,
    /// for each 1,000 of its versions, 16 of them at once; none in a collection that keeps all.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts, keep_for = "90d")]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let report = notes.trim_all().progress(|p| println!("{} of {}", p.done, p.total)).await?;
    /// println!("{} versions removed", report.removed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn trim_all(&self) -> TrimAll<'_, T> {
        TrimAll { repo: self, resume: None, limit: u64::MAX, progress: Box::new(|_| {}) }
    }
}

impl<'a, T: Document> TrimAll<'a, T> {
    /// Goes on where an earlier run was: at the cursor of its report, or of its last call of
    /// [`TrimAll::progress`]. Default: at the beginning.
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.resume = Some(cursor.clone());
        self
    }

    /// Looks at no more than this many items, at least 1, and leaves the rest to a further run.
    /// Default: all.
    pub fn limit(mut self, items: u64) -> Self {
        self.limit = items;
        self
    }

    /// Calls a function with the report so far, after each 500 items.
    pub fn progress(mut self, report: impl FnMut(&TrimReport) + Send + 'a) -> Self {
        self.progress = Box::new(report);
        self
    }

    async fn run(self) -> Result<TrimReport> {
        let Self { repo, resume, limit, mut progress } = self;
        if limit == 0 {
            let message = "limit must be at least 1".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        if !T::SCHEMA.trims() {
            return Ok(TrimReport::default());
        }
        let total = repo.count().await.map_err(|error| error.during(OPERATION))?;
        let mut report = TrimReport { total, resume, ..Default::default() };
        while report.done < limit {
            let left = usize::try_from(limit - report.done).unwrap_or(usize::MAX);
            let mut query = repo.list().oldest_first().limit(left.min(PAGE));
            if let Some(cursor) = &report.resume {
                query = query.after(cursor);
            }
            let Page { items, next, .. } =
                query.ids().await.map_err(|error| error.during(OPERATION))?;
            trim_page(repo, items, &mut report).await?;
            report.resume = next;
            progress(&report);
            if report.resume.is_none() {
                break;
            }
        }
        Ok(report)
    }
}

async fn trim_page<T: Document>(
    repo: &Repo<T>,
    ids: Vec<Id>,
    report: &mut TrimReport,
) -> Result<()> {
    report.done += ids.len() as u64;
    let one = |id: Id| async move { repo.trimmed(&id, OPERATION).await };
    let mut running = stream::iter(ids).map(one).buffer_unordered(AT_ONCE);
    while let Some(removed) = running.next().await {
        match removed {
            // One that is gone by now has nothing to trim.
            Ok(removed) => report.removed += removed.unwrap_or(0),
            Err(error) if is_of_one_item(&error) => {
                report.failed += 1;
                if report.failures.len() < LISTED {
                    report.failures.push(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_of_one_item(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Decode { .. } | ErrorKind::WrongType(_))
}

impl<'a, T: Document> IntoFuture for TrimAll<'a, T> {
    type Output = Result<TrimReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
