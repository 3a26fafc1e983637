//! Holding the indexes against the documents, mending them, and filling a new one.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use serde::Serialize;

use super::query::joined;
use crate::collection::Collection;
use crate::cursor::Cursor;
use crate::envelope;
use crate::error::{Error, Result};
use crate::field;
use crate::item::Item;
use crate::key::{Id, Segment};
use crate::redis::command::Reply;
use crate::redis::script::{ORPHANS, REAP, REINDEX, STRAYS, ScriptCall};
use crate::repo::{Repo, derived};

/// The items that are read and checked by one pair of round trips.
const PAGE: usize = 200;

/// How often an item that is being written is looked at again.
const ATTEMPTS: usize = 5;

/// The most items that a report names.
const NAMED: usize = 100;

type Progress<'a> = Box<dyn FnMut(&IndexReport) + Send + 'a>;

/// A walk over all items and index entries: set what you need, then `.await` it.
#[must_use = "nothing is checked until this is awaited"]
pub struct Reindex<'a, T: Collection> {
    walk: Walk<'a, T>,
    after: Option<Cursor>,
    progress: Option<Progress<'a>>,
}

/// What the steps of a walk need to know.
struct Walk<'a, T: Collection> {
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
    /// Index entries that belong to nothing.
    pub orphans: u64,
    /// Items that were written again and again while they were looked at.
    pub busy: u64,
    /// Items that could not be indexed, the first 100, with the reason: a document that does not decode,
    /// or whose value of a unique field another item has.
    pub failed: Vec<(Id, String)>,
    /// How many could not be indexed.
    pub failures: u64,
    /// Whether what was found has been mended.
    pub mended: bool,
    /// Where to go on with [`Reindex::resume`] if the walk was broken off; `None` at the end.
    pub resume: Option<Cursor>,
}

impl IndexReport {
    /// Whether indexes and documents agree in everything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.wrong == 0 && self.orphans == 0 && self.failures == 0
    }
}

impl<T: Collection> Repo<T> {
    /// Holds every index against the documents, changes nothing, and tells what does not agree.
    ///
    /// Runs beside readers and writers. Two round trips for each 200 items, one for each 500 index
    /// entries.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `WrongType`. What a single item lacks is in the report.
    pub fn verify(&self) -> Reindex<'_, T> {
        self.reindex("verify", false)
    }

    /// As [`Repo::verify`], and mends what does not agree: each item in one atomic step, only if it has
    /// not changed since it was read.
    pub fn repair(&self) -> Reindex<'_, T> {
        self.reindex("repair", true)
    }

    /// Fills an index that was added to a collection with items in it. Until it is through, queries by
    /// the index are refused with `IndexIncomplete`, and everything else goes on as before.
    ///
    /// Run it once all writers know the index: one that does not removes what it finds there. It is the
    /// same as [`Repo::repair`], and may be run again at any time.
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
        let call = ScriptCall::new(&REAP).key(self.address().index()).keys(self.id_sets());
        let mut verdict = self.write("reap_expired", "", call).await?;
        Ok(verdict.number("reap_expired")? == 1)
    }
}

impl<'a, T: Collection> Reindex<'a, T> {
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
        loop {
            let mut query = walk.repo.list().oldest_first().limit(PAGE);
            if let Some(cursor) = &report.resume {
                query = query.after(cursor);
            }
            let rows = query.rows("documents", walk.operation).await?;
            let next = query.next(&rows, walk.operation).await?;
            report.checked += rows.rows.len() as u64;
            walk.check(rows.rows, &mut report).await?;
            report.resume = next;
            if let Some(progress) = &mut progress {
                progress(&report);
            }
            if report.resume.is_none() {
                break;
            }
        }
        walk.strays(&mut report).await?;
        for segment in segments(T::SCHEMA) {
            walk.orphans(&segment, &mut report).await?;
        }
        Ok(report)
    }
}

impl<T: Collection> Walk<'_, T> {
    /// Checks the items of a page; those that have changed since are read and checked again.
    async fn check(&self, rows: Vec<Reply>, report: &mut IndexReport) -> Result<()> {
        let mut open: Vec<Bytes> = rows.into_iter().filter_map(Reply::into_data).collect();
        for _ in 0..ATTEMPTS {
            let expected = self.expected(open, report)?;
            if expected.is_empty() {
                return Ok(());
            }
            let findings = self.ask(&expected).await?;
            let mut changed = Vec::new();
            for (expected, finding) in expected.into_iter().zip(findings) {
                match finding {
                    Some(0 | 3) => {}
                    Some(1) => report.wrong += 1,
                    Some(4) => {
                        report.wrong += 1;
                        let reason = "another item has the value of a unique field".to_owned();
                        fail(report, expected.id, reason);
                    }
                    _ => changed.push(expected.id),
                }
            }
            let keys: Vec<String> =
                changed.iter().map(|id| self.repo.address().latest(id)).collect();
            let again = self.repo.store().reader().mget(&keys).await;
            let again = again.map_err(|fault| fault.into_error(self.operation))?;
            open = again.into_iter().filter_map(Reply::into_data).collect();
            if open.is_empty() {
                return Ok(());
            }
        }
        report.busy += open.len() as u64;
        Ok(())
    }

    /// What the indexes should hold of some documents. What does not decode is reported and left out.
    fn expected(&self, documents: Vec<Bytes>, report: &mut IndexReport) -> Result<Vec<Expected>> {
        let mut all = Vec::with_capacity(documents.len());
        for json in documents {
            let address = self.repo.address();
            let head = envelope::decode_head(&json, address.as_str(), self.operation)?;
            let key = address.latest(&head.id);
            let entries =
                envelope::decode(&json, &key, self.operation).and_then(|item: Item<T>| {
                    let owner = item.owner.as_ref();
                    Repo::<T>::entries(&item.data, item.created_at, owner, self.operation)
                });
            match entries {
                Ok(entries) => all.push(Expected {
                    id: head.id,
                    version: head.version,
                    commit: head.commit,
                    created: head.created.as_millis(),
                    entries: entries.map(|entries| entries.to_bytes()).unwrap_or_default(),
                }),
                Err(error) => fail(report, head.id, error.to_string()),
            }
        }
        Ok(all)
    }

    async fn ask(&self, expected: &[Expected]) -> Result<Vec<Option<u64>>> {
        let at = self.repo.address();
        let mut call = ScriptCall::new(&REINDEX)
            .key(at.index())
            .keys(self.repo.id_sets())
            .arg(at.item_prefix())
            .arg(self.mend_arg())
            .arg(joined(&derived(T::SCHEMA).collect::<Vec<_>>()));
        for item in expected {
            call = call
                .arg(item.id.as_str().to_owned())
                .int(item.version)
                .arg(item.commit.clone())
                .int(item.created)
                .arg(item.entries.clone());
        }
        let mut verdict = self.repo.write(self.operation, "", call).await?;
        Ok(verdict.array(self.operation)?.iter().map(Reply::as_u64).collect())
    }

    async fn strays(&self, report: &mut IndexReport) -> Result<()> {
        let at = self.repo.address();
        let mut cursor = "0".to_owned();
        loop {
            let call = ScriptCall::new(&STRAYS)
                .key(at.index())
                .keys(self.repo.id_sets())
                .arg(at.item_prefix())
                .arg(self.mend_arg())
                .arg(cursor);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            cursor = verdict.text(self.operation)?;
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    async fn orphans(&self, segment: &Segment, report: &mut IndexReport) -> Result<()> {
        let mut position = Bytes::new();
        loop {
            let call = ScriptCall::new(&ORPHANS)
                .key(self.repo.address().index())
                .arg(segment.to_string())
                .arg(self.mend_arg())
                .arg(position);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            position = verdict.rest.next().and_then(Reply::into_data).unwrap_or_default();
            if verdict.number(self.operation)? == 0 {
                return Ok(());
            }
        }
    }

    fn mend_arg(&self) -> &'static str {
        if self.mend { "1" } else { "0" }
    }
}

/// What the indexes should hold of one item.
struct Expected {
    id: Id,
    version: u64,
    commit: String,
    created: u64,
    entries: Bytes,
}

fn fail(report: &mut IndexReport, id: Id, reason: String) {
    report.failures += 1;
    if report.failed.len() < NAMED {
        report.failed.push((id, reason));
    }
}

/// All indexes of fields that a collection has, and that of owners.
pub(super) fn segments(schema: &crate::schema::CollectionSchema) -> Vec<Segment> {
    let fields = schema.fields.iter().filter_map(|field| Some((field.json_name?, field.index?)));
    let of_fields = fields
        .flat_map(|(name, kind)| [field::segment(name, kind), Segment::Each(name.to_owned())]);
    of_fields.chain([Segment::Owner]).collect()
}

impl<'a, T: Collection> IntoFuture for Reindex<'a, T> {
    type Output = Result<IndexReport, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
