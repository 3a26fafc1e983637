//! Reading the statistics of a collection.

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::estimate::{Estimate, Sampled, as_float};
use super::measured::Measured;
use super::report::{CollectionStats, MemoryStats};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::index::segments;
use crate::job::queue::{Queue, QueueSet, QueueStats};
use crate::redis::command::{Command, Reply, Verdict, unexpected};
use crate::redis::script::{SAMPLE, ScriptCall};
use crate::repo::{Repo, derived};
use crate::time::Timestamp;
use bytes::Bytes;
use futures_util::future::try_join_all;

const OPERATION: &str = "stats";

/// The default number of items to measure.
const DEFAULT_SAMPLE: usize = 400;

/// The maximum number of items to measure.
const MAX_SAMPLE: usize = 10_000;

/// The number of items that one script call measures, so that it blocks the server only briefly.
const CHUNK: usize = 50;

/// How many superseded versions of each item are measured.
const VERSIONS: u64 = 8;

/// How many members of an index or a feed the server measures to estimate it.
const MEMBERS: u64 = 100;

/// A run of [`Repo::stats`]: set what you need, then `.await` it.
#[must_use = "nothing is read until this is awaited"]
pub struct Stats<'a, T: Document> {
    repo: &'a Repo<T>,
    sample: usize,
}

impl<T: Document> Repo<T> {
    /// Counts the collection's items and jobs, and estimates versions and memory from 400 items
    /// chosen at random, up to 8 superseded versions of each.
    ///
    /// Three round trips, and one for each 50 measured items; those run concurrently. The cost does
    /// not grow with the number of items.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let stats = notes.stats().sample(1_000).await?;
    /// println!("{stats}");
    /// println!("{} ± {} bytes", stats.bytes.documents.value, stats.bytes.documents.error);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a sample out of range; `WrongType`, `Unavailable`.
    pub fn stats(&self) -> Stats<'_, T> {
        Stats { repo: self, sample: DEFAULT_SAMPLE }
    }
}

impl<'a, T: Document> Stats<'a, T> {
    /// How many items to measure, from 1 to 10,000. Default: 400.
    ///
    /// Four times as many items halve the error.
    pub fn sample(mut self, items: usize) -> Self {
        self.sample = items;
        self
    }

    async fn run(self) -> Result<CollectionStats> {
        if !(1..=MAX_SAMPLE).contains(&self.sample) {
            let message = format!("sample must be from 1 to {MAX_SAMPLE}, not {}", self.sample);
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        // Counting removes the entries of expired items, so it comes first.
        let items = self.repo.count().await?;
        let Overview { ids, oldest, newest, indexes } = self.overview().await?;
        let jobs = self.jobs().await?;
        let chunks = ids.chunks(CHUNK).map(|ids| self.measure(ids));
        let measured: Vec<Measured> = try_join_all(chunks).await?.into_iter().flatten().collect();
        // An item may have been created or deleted since they were counted.
        let all = items.max(measured.len() as u64);
        let estimate = |bytes: fn(&Measured) -> u64| {
            let exact = |item| Sampled { value: as_float(bytes(item)), variance: 0.0 };
            Estimate::total(all, measured.iter().map(exact))
        };
        Ok(CollectionStats {
            items,
            oldest,
            newest,
            sampled: measured.len() as u64,
            versions: Estimate::total(all, measured.iter().map(Measured::versions)),
            bytes: MemoryStats {
                documents: estimate(|item| item.latest),
                versions: Estimate::total(all, measured.iter().map(Measured::version_bytes)),
                mutations: estimate(|item| item.mutations),
                transformations: estimate(|item| item.transformations),
                audit: estimate(|item| item.audit),
                indexes,
            },
            jobs,
        })
    }

    async fn overview(&self) -> Result<Overview> {
        let at = self.repo.address();
        let ends = ["0", "-1"]
            .map(|end| Command::new("ZRANGE").arg(at.index()).arg(end).arg(end).arg("WITHSCORES"));
        let random = Command::new("ZRANDMEMBER").arg(at.index()).int(self.sample as u64);
        let whole = [at.index(), at.expiry(), at.entries(), at.audit_feed()];
        let parts = segments(T::SCHEMA).into_iter().chain(derived(T::SCHEMA));
        let keys = whole.into_iter().chain(parts.map(|segment| at.segment(&segment)));
        let sizes = keys
            .map(|key| Command::new("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").int(MEMBERS));
        let commands = [random].into_iter().chain(ends).chain(sizes).collect();
        let replies = self.repo.store().reader().pipeline(commands).await;
        let replies = replies.map_err(|fault| fault.into_error(OPERATION).at(at.index()))?;
        let mut replies = replies.into_iter();
        let ids = replies.next().and_then(Reply::into_array).unwrap_or_default();
        let mut end = || {
            let found = replies.next().and_then(Reply::into_array).unwrap_or_default();
            found.get(1).and_then(Reply::as_u64).map(Timestamp::from_millis)
        };
        let (oldest, newest) = (end(), end());
        let indexes = replies.filter_map(|size| size.as_u64()).sum();
        Ok(Overview { ids, oldest, newest, indexes })
    }

    async fn jobs(&self) -> Result<BTreeMap<&'static str, QueueStats>> {
        let queues = Queue::all(self.repo);
        if queues.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut set = QueueSet::new(self.repo.store());
        for queue in &queues {
            set.add(queue);
        }
        let names = queues.iter().map(|queue| queue.schema().name);
        Ok(names.zip(set.stats().await?).collect())
    }

    async fn measure(&self, ids: &[Reply]) -> Result<Vec<Measured>> {
        let at = self.repo.address();
        let call = ScriptCall::new(&SAMPLE)
            .key(at.index())
            .address(at)
            .arg(Repo::<T>::derived_arg())
            .int(VERSIONS)
            .int(u64::from(fastrand::u16(..1000)));
        let ids = ids.iter().cloned().filter_map(Reply::into_data);
        let call = ids.fold(call, |call, id: Bytes| call.arg(id));
        let reply = self.repo.store().reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(OPERATION).at(at.index()))?;
        let items = Verdict::from_reply(reply, OPERATION)?.array(OPERATION)?;
        let read =
            |item: Reply| Measured::from_reply(item).ok_or_else(|| unexpected(OPERATION, &"item"));
        items.into_iter().map(read).collect()
    }
}

/// What is read about the whole collection.
struct Overview {
    /// The ids of items chosen at random.
    ids: Vec<Reply>,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    indexes: u64,
}

impl<'a, T: Document> IntoFuture for Stats<'a, T> {
    type Output = Result<CollectionStats>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
