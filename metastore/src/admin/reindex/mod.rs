//! Holding the indexes against the documents, mending them, and filling a new one.

mod history;
mod items;
mod jobs;
mod sets;

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::Serialize;

use self::items::Row;
use self::jobs::Waiting;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::index::field;
use crate::key::Segment;
use crate::redis::script::{EVICT_EXPIRED, ScriptCall};
use crate::repo::Repo;
use crate::repo::query::What;
use crate::schema::IndexKind;
use crate::store::cursor::Cursor;

/// The items that are read and checked by one pair of round trips.
const PAGE: usize = 200;

/// The most items that a report names.
const NAMED: usize = 100;

type Progress<'a> = Box<dyn FnMut(&IndexReport) + Send + 'a>;

/// A walk over all items and index entries: set what you need, then `.await` it.
#[must_use = "nothing is checked until this is awaited"]
pub struct Reindex<'a, T: Document> {
    walk: Walk<'a, T>,
    after: Option<Cursor>,
    progress: Option<Progress<'a>>,
}

/// What the steps of a walk need to know.
struct Walk<'a, T: Document> {
    repo: &'a Repo<T>,
    operation: &'static str,
    mend: bool,
}

/// How the indexes and the documents agree.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct IndexReport {
    /// How many items there were at the beginning.
    pub total: u64,
    /// How many items were looked at.
    pub checked: u64,
    /// Items for which an index lacked something or had something wrong.
    pub wrong: u64,
    /// Items that were not in the index of all items, so that no list showed them.
    pub unlisted: u64,
    /// Index entries that belong to nothing.
    pub orphans: u64,
    /// Jobs that were in no list of their queue, so that no worker would have met them.
    pub lost_jobs: u64,
    /// Versions that are missing between others. They cannot be brought back.
    pub missing_versions: u64,
    /// Items whose audit trail does not tell of their creation, where audit is on: also those from before it
    /// was switched on.
    pub unaudited: u64,
    /// Items that were written again and again while they were looked at.
    pub busy: u64,
    /// How many items could not be indexed completely: a document that does not decode, or a value of a unique
    /// field that another item has. Of the latter, everything else is indexed.
    pub failures: u64,
    /// What is wrong with single items, the first 100: those that could not be indexed, lost jobs, missing
    /// versions and what is not in the audit.
    pub failed: Vec<IndexFailure>,
    /// Whether what was found has been mended, as far as it can be.
    pub mended: bool,
    /// Where to go on with [`Reindex::resume`] if the walk was broken off; `None` at the end.
    pub resume: Option<Cursor>,
    /// How many entries of the items there are in each index.
    #[serde(skip)]
    entries: BTreeMap<String, u64>,
}

/// What is wrong with one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexFailure {
    /// The id of the item, as it is stored.
    pub id: String,
    /// What is wrong.
    pub reason: String,
}

impl IndexReport {
    /// Whether indexes, queues, histories and documents agree in everything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let wrong = [
            self.wrong,
            self.unlisted,
            self.orphans,
            self.lost_jobs,
            self.missing_versions,
            self.unaudited,
            self.failures,
        ];
        wrong.iter().all(|count| *count == 0)
    }

    /// Notes an item that could not be indexed.
    fn fail(&mut self, id: &str, reason: String) {
        self.failures += 1;
        self.name(id, reason);
    }

    /// Notes what is wrong with an item.
    fn name(&mut self, id: &str, reason: String) {
        if self.failed.len() < NAMED {
            self.failed.push(IndexFailure { id: id.to_owned(), reason });
        }
    }
}

impl<T: Document> Repo<T> {
    /// Holds every index, the jobs and the histories against the documents, changes nothing, and tells what
    /// does not agree.
    ///
    /// Runs beside readers and writers. Some round trips for each 200 items, one for each 500 index entries,
    /// and one for each 1,000 keys that the server has, whosever they are, to find items that no index has.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `WrongType`. What a single item lacks is in the report.
    pub fn verify(&self) -> Reindex<'_, T> {
        self.reindex("verify", false)
    }

    /// As [`Repo::verify`], and mends what does not agree: each item in one atomic step, only if it has
    /// not changed since it was read. Jobs that were in no list wait again. One item that cannot be mended
    /// keeps no other from it.
    ///
    /// It also brings a time to live that the collection has got, changed or lost to the items that are there, with
    /// their versions and results: counted from the last write, or from the creation with
    /// `ttl_on_update = keep`. An item that would have expired by now gets its whole time to live, counted
    /// from now.
    pub fn repair(&self) -> Reindex<'_, T> {
        self.reindex("repair", true)
    }

    /// Fills an index that was added to a collection with items in it. Until it is through, queries by
    /// the index are refused with `IndexIncomplete`, and everything else goes on as before.
    ///
    /// Run it once all writers know the index: one that does not removes what it finds there. It is the
    /// same as [`Repo::repair`], and may be run again at any time. Where a field has become `#[unique]` and
    /// several items have the same value, the first keeps it, the report names both, and that index stays
    /// incomplete until the others are changed; all other indexes can be used.
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
    /// assert_eq!(report.failures, 0, "{:?}", report.failed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backfill(&self) -> Reindex<'_, T> {
        self.reindex("backfill", true)
    }

    fn reindex(&self, operation: &'static str, mend: bool) -> Reindex<'_, T> {
        Reindex { walk: Walk { repo: self, operation, mend }, after: None, progress: None }
    }

    /// Removes what the indexes hold of items that have expired: up to 500 items. Gives whether there may
    /// be more. Lists, queries and counts do the same on their way, so this is for collections that nobody
    /// reads: call it now and then, such as once a minute.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `WrongType`.
    pub async fn reap_expired(&self) -> Result<bool> {
        let call = ScriptCall::new(&EVICT_EXPIRED).key(self.address().index()).keys(self.id_sets());
        let mut verdict = self.write("reap_expired", "", call).await?;
        Ok(verdict.number("reap_expired")? == 1)
    }
}

impl<'a, T: Document> Reindex<'a, T> {
    /// Goes on where a walk that was broken off had come, by [`IndexReport::resume`].
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.after = Some(cursor.clone());
        self
    }

    /// Calls this with the report so far after each page of items.
    pub fn progress(mut self, progress: impl FnMut(&IndexReport) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    async fn run(self) -> Result<IndexReport> {
        let Self { walk, after, mut progress } = self;
        let mut report = IndexReport {
            total: walk.repo.count().await?,
            mended: walk.mend,
            resume: after,
            ..IndexReport::default()
        };
        let is_whole = report.resume.is_none();
        let waiting = walk.waiting().await?;
        loop {
            let mut query = walk.repo.list().oldest_first().limit(PAGE);
            if let Some(cursor) = &report.resume {
                query = query.after(cursor);
            }
            let rows = query.rows(What::Documents, walk.operation).await?;
            let next = query.next(&rows, walk.operation).await?;
            report.checked += rows.len() as u64;
            walk.look(rows.documents().collect(), &waiting, &mut report).await?;
            report.resume = next;
            if let Some(progress) = &mut progress {
                progress(&report);
            }
            if report.resume.is_none() {
                break;
            }
        }
        walk.strays(&mut report).await?;
        walk.unlisted(&waiting, &mut report).await?;
        for segment in segments(T::SCHEMA) {
            // As many as there should be are the right ones, since each of those has been looked up.
            let expected = report.entries.get(&segment.to_string()).copied().unwrap_or(0);
            if !is_whole || walk.size(&segment).await? != expected {
                walk.orphans(&segment, &mut report).await?;
            }
        }
        Ok(report)
    }
}

impl<T: Document> Walk<'_, T> {
    /// Looks at all that belongs to some items.
    async fn look(
        &self,
        rows: Vec<Row>,
        waiting: &Waiting<T>,
        report: &mut IndexReport,
    ) -> Result<()> {
        let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
        let heads = self.check(rows, report).await?;
        self.missing_versions(&heads, report).await?;
        self.unaudited(&heads, report).await?;
        self.lost_jobs(waiting, &ids, report).await
    }

    fn mend_arg(&self) -> &'static str {
        if self.mend { "1" } else { "0" }
    }
}

/// All indexes of fields that a collection has, and that of owners.
pub(crate) fn segments(schema: &crate::schema::CollectionSchema) -> Vec<Segment> {
    let fields = schema.fields.iter().filter_map(|field| Some((field.json_name?, field.index?)));
    let of_fields = fields.flat_map(|(name, kind)| {
        let further = match kind {
            IndexKind::Unique => Segment::Held(name.to_owned()),
            IndexKind::Equality | IndexKind::Range => Segment::Each(name.to_owned()),
        };
        [field::segment(name, kind), further]
    });
    of_fields.chain([Segment::Owner]).collect()
}

impl<'a, T: Document> IntoFuture for Reindex<'a, T> {
    type Output = Result<IndexReport, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
