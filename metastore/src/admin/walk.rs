//! The resumable walk over a whole collection that the operations in this folder share.

use futures_util::stream::{self, StreamExt as _};

use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::page;
use crate::repo::query::Query;
use crate::store::cursor::Cursor;

/// How many entries of a page are processed concurrently: enough to keep the connection busy, and
/// few enough that commands of other callers run in between. It also bounds the number of documents
/// in memory.
pub(super) const CONCURRENCY: usize = 16;

/// The maximum number of failures that a report lists.
const MAX_LISTED: usize = 100;

/// What an operation does with each page of a walk.
pub(super) trait Task: Sync {
    /// Where the next page begins.
    type Cursor: Send + Sync;
    type Entry: Send;
    type Report: Send;

    /// Reads the page after a cursor, or the first one.
    fn read_page(
        &self,
        after: Option<&Self::Cursor>,
        limit: u64,
    ) -> impl Future<Output = Result<Page<Self::Entry, Self::Cursor>>> + Send;

    /// Processes one page and adds the outcome to the report.
    fn process(
        &self,
        entries: Vec<Self::Entry>,
        report: &mut Self::Report,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The field of the report from which a later run resumes.
    fn resume_of(report: &mut Self::Report) -> &mut Option<Self::Cursor>;
}

/// One page of a walk.
pub(super) struct Page<E, C> {
    pub(super) entries: Vec<E>,
    /// The cursor of the next page; `None` at the end.
    pub(super) next: Option<C>,
}

/// The settings of a walk.
pub(super) struct Walk<'a, C, R> {
    resume: Option<C>,
    limit: u64,
    progress: Box<dyn FnMut(&R) + Send + 'a>,
}

impl<'a, C, R> Walk<'a, C, R> {
    /// A walk over everything, from the beginning.
    pub(super) fn new() -> Self {
        Self { resume: None, limit: u64::MAX, progress: Box::new(|_| {}) }
    }

    pub(super) fn resume(&mut self, cursor: C) {
        self.resume = Some(cursor);
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.resume.is_some()
    }

    pub(super) fn limit(&mut self, entries: u64) {
        self.limit = entries;
    }

    pub(super) fn progress(&mut self, progress: impl FnMut(&R) + Send + 'a) {
        self.progress = Box::new(progress);
    }

    pub(super) fn check(&self, operation: &'static str) -> Result<()> {
        if self.limit == 0 {
            let message = "limit must be at least 1".to_owned();
            return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        }
        Ok(())
    }

    /// Processes page after page, up to the limit. An error ends the walk; the last report that
    /// `progress` received says where to resume.
    pub(super) async fn run<T>(self, task: &T, mut report: R) -> Result<R>
    where
        C: Clone,
        T: Task<Cursor = C, Report = R>,
    {
        let Self { mut resume, limit, mut progress } = self;
        let mut done = 0;
        while done < limit {
            let page = task.read_page(resume.as_ref(), limit - done).await?;
            done += page.entries.len() as u64;
            task.process(page.entries, &mut report).await?;
            *T::resume_of(&mut report) = page.next.clone();
            progress(&report);
            resume = page.next;
            if resume.is_none() {
                break;
            }
        }
        Ok(report)
    }
}

/// A page of all items of a collection, the oldest first: items that are created during the walk
/// come last.
pub(super) fn page_of_items<'a, T: Document>(
    repo: &'a Repo<T>,
    after: Option<&Cursor>,
    limit: usize,
) -> Query<'a, T> {
    let query = repo.list().oldest_first().limit(limit);
    match after {
        Some(cursor) => query.after(cursor),
        None => query,
    }
}

/// Reads the ids of such a page.
pub(super) async fn page_of_ids<T: Document>(
    repo: &Repo<T>,
    after: Option<&Cursor>,
    limit: u64,
    operation: &'static str,
) -> Result<Page<Id, Cursor>> {
    /// How many ids one round trip reads.
    const PAGE: usize = 500;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(PAGE);
    let page = page_of_items(repo, after, limit).ids().await;
    let page::Page { items, next, .. } = page.map_err(|error| error.during(operation))?;
    Ok(Page { entries: items, next })
}

/// Runs `work` on each entry, [`CONCURRENCY`] of them at once, and hands each outcome to `record`.
/// An error of `record` ends it.
pub(super) async fn for_each<E, O, F: Future<Output = O>>(
    entries: impl IntoIterator<Item = E>,
    work: impl FnMut(E) -> F,
    mut record: impl FnMut(O) -> Result<()>,
) -> Result<()> {
    let mut running = stream::iter(entries).map(work).buffer_unordered(CONCURRENCY);
    while let Some(outcome) = running.next().await {
        record(outcome)?;
    }
    Ok(())
}

/// Adds a failure to a report's list, unless the list is full.
pub(super) fn list_failure<F>(failures: &mut Vec<F>, failure: F) {
    if failures.len() < MAX_LISTED {
        failures.push(failure);
    }
}

/// Implements what all runs over the items of a collection have in common: the settings of the
/// walk, and `.await`.
macro_rules! item_run {
    ($run:ident, $report:ident) => {
        impl<'a, T: Document> $run<'a, T> {
            /// Resumes an interrupted run at the cursor of its report, or of the report that it
            /// last passed to `progress`. Default: from the beginning, which is also correct, since
            /// what an earlier run has done is not done again.
            pub fn resume(mut self, cursor: &Cursor) -> Self {
                self.walk.resume(cursor.clone());
                self
            }

            /// Processes at most this many items, at least 1; a later run can resume there.
            /// Default: all.
            pub fn limit(mut self, items: u64) -> Self {
                self.walk.limit(items);
                self
            }

            /// Calls a function with the report so far, after each 500 items.
            pub fn progress(mut self, progress: impl FnMut(&$report) + Send + 'a) -> Self {
                self.walk.progress(progress);
                self
            }
        }

        impl<'a, T: Document> std::future::IntoFuture for $run<'a, T> {
            type Output = Result<$report>;
            type IntoFuture =
                std::pin::Pin<Box<dyn std::future::Future<Output = Self::Output> + Send + 'a>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.run())
            }
        }
    };
}

pub(super) use item_run;

/// Whether an error concerns one item only, so that the walk continues after it.
pub(super) fn concerns_one_item(error: &Error) -> bool {
    error.is_invalid_document()
        || matches!(
            error.kind(),
            ErrorKind::Upgrade { .. }
                | ErrorKind::Decode { .. }
                | ErrorKind::WrongType(_)
                | ErrorKind::AlreadyExists { .. }
                | ErrorKind::Conflict { .. }
        )
}
