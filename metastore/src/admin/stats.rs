//! What a collection amounts to: items, versions, memory, jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::Serialize;

use crate::admin::reindex::segments;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::job::queue::{Queue, QueueSet, QueueStats};
use crate::redis::command::{Command, Reply, Verdict, unexpected};
use crate::redis::script::{SAMPLE, ScriptCall};
use crate::repo::query::joined;
use crate::repo::{Repo, derived};
use crate::time::Timestamp;

const OPERATION: &str = "stats";

/// How many items are measured unless it is told otherwise.
const DEFAULT_SAMPLE: usize = 400;

/// The most items that can be asked for.
const MAX_SAMPLE: usize = 10_000;

/// The items that one script call measures, so that it holds up nobody.
const CHUNK: usize = 50;

/// The superseded versions that are measured of one item.
const VERSIONS: u64 = 8;

/// How many members of an index or a feed the server measures to estimate it.
const MEMBERS: u64 = 100;

/// The quantile of the normal distribution for 95 % on both sides.
const NORMAL_95: f64 = 1.96;

/// Statistics of a collection to be read: set what you need, then `.await` it.
#[must_use = "nothing is read until this is awaited"]
pub struct Stats<'a, T: Document> {
    repo: &'a Repo<T>,
    sample: usize,
}

/// What a collection amounts to.
///
/// Shown with `{}` it is a table for people.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CollectionStats {
    /// How many items there are.
    pub items: u64,
    /// When the oldest of them was created.
    pub oldest: Option<Timestamp>,
    /// When the newest of them was created.
    pub newest: Option<Timestamp>,
    /// How many items were measured for the estimates.
    pub sampled: u64,
    /// All versions that are there, the current ones too.
    pub versions: Estimate,
    /// Memory by what it holds.
    pub bytes: MemoryStats,
    /// The jobs of each transformation, by state.
    pub jobs: BTreeMap<&'static str, QueueStats>,
}

/// The server's memory that a collection takes, in bytes: keys, values and what the server needs
/// to keep them, as `MEMORY USAGE` tells.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct MemoryStats {
    /// The current versions.
    pub documents: Estimate,
    /// The superseded versions.
    pub versions: Estimate,
    /// The stored results of mutations.
    pub mutations: Estimate,
    /// The records of transformations with their results.
    pub transformations: Estimate,
    /// The audit trails of items that are there. Those of deleted items are not found.
    pub audit: Estimate,
    /// The indexes, and the audit feed: the server's own estimate from 100 members of each.
    pub indexes: u64,
}

/// A number found by measuring some of the items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The most likely number.
    pub value: u64,
    /// In 95 of 100 cases the true number is at most this far from it; 0 if everything was measured.
    ///
    /// From the variance of two-stage sampling (Cochran, Sampling Techniques, chapter 10) and the normal
    /// distribution. A few items that are very much larger than all others may be missed.
    pub error: u64,
}

impl<T: Document> Repo<T> {
    /// Counts the collection's items and jobs, and estimates versions and memory from 400 items chosen
    /// at random, up to 8 superseded versions of each.
    ///
    /// Three round trips, and one for each 50 items measured, these all at once. The cost does not grow
    /// with the number of items.
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
    /// Four times as many halve the error.
    pub fn sample(mut self, items: usize) -> Self {
        self.sample = items;
        self
    }

    async fn run(self) -> Result<CollectionStats> {
        if !(1..=MAX_SAMPLE).contains(&self.sample) {
            let message = format!("sample must be from 1 to {MAX_SAMPLE}, not {}", self.sample);
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        // Counting forgets what has expired, so it comes first.
        let items = self.repo.count().await?;
        let Overview { ids, oldest, newest, indexes } = self.overview().await?;
        let jobs = self.jobs().await?;
        let chunks = ids.chunks(CHUNK).map(|ids| self.measure(ids));
        let measured: Vec<Measured> = try_join_all(chunks).await?.into_iter().flatten().collect();
        // An item may have been created or deleted since they were counted.
        let all = items.max(measured.len() as u64);
        let plain = |bytes: fn(&Measured) -> u64| {
            estimate(all, measured.iter().map(|item| (as_float(bytes(item)), 0.0)))
        };
        Ok(CollectionStats {
            items,
            oldest,
            newest,
            sampled: measured.len() as u64,
            versions: estimate(all, measured.iter().map(Measured::versions)),
            bytes: MemoryStats {
                documents: plain(|item| item.latest),
                versions: estimate(all, measured.iter().map(Measured::version_bytes)),
                mutations: plain(|item| item.mutations),
                transformations: plain(|item| item.transformations),
                audit: plain(|item| item.audit),
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
            .arg(at.item_prefix())
            .arg(joined(&derived(T::SCHEMA).collect::<Vec<_>>()))
            .arg(at.audit_prefix())
            .int(VERSIONS)
            .int(u64::from(fastrand::u16(..1000)));
        let ids = ids.iter().cloned().filter_map(Reply::into_data);
        let call = ids.fold(call, |call, id: Bytes| call.arg(id));
        let reply = self.repo.store().reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(OPERATION).at(at.index()))?;
        let items = Verdict::from_reply(reply, OPERATION)?.array(OPERATION)?;
        let read = |item: Reply| Measured::read(item).ok_or_else(|| unexpected(OPERATION, &"item"));
        items.into_iter().map(read).collect()
    }
}

/// What is asked for about the whole collection.
struct Overview {
    /// Of items chosen at random.
    ids: Vec<Reply>,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    indexes: u64,
}

/// One item of the sample, as `sample.lua` gives it.
struct Measured {
    latest: u64,
    superseded: u64,
    looked: u64,
    there: u64,
    bytes: u64,
    squares: u64,
    mutations: u64,
    transformations: u64,
    audit: u64,
}

impl Measured {
    fn read(item: Reply) -> Option<Self> {
        let parts = item.into_array()?;
        let mut parts = parts.iter().map(Reply::as_u64);
        let mut next = || parts.next().flatten();
        Some(Self {
            latest: next()?,
            superseded: next()?,
            looked: next()?,
            there: next()?,
            bytes: next()?,
            squares: next()?,
            mutations: next()?,
            transformations: next()?,
            audit: next()?,
        })
    }

    /// The number of versions, and the variance of that.
    fn versions(&self) -> (f64, f64) {
        // Each that was looked at counts 1 if it was there and has not expired.
        let (total, variance) = self.scaled(self.there, self.there);
        (1.0 + total, variance)
    }

    fn version_bytes(&self) -> (f64, f64) {
        self.scaled(self.bytes, self.squares)
    }

    /// The sum over all superseded versions, from the sum and the sum of squares over some of them.
    fn scaled(&self, sum: u64, squares: u64) -> (f64, f64) {
        if self.looked == 0 {
            return (0.0, 0.0);
        }
        let (all, some) = (as_float(self.superseded), as_float(self.looked));
        let mean = as_float(sum) / some;
        let spread = (as_float(squares) - some * mean * mean).max(0.0) / (some - 1.0).max(1.0);
        (all * mean, all * all * (1.0 - some / all) * spread / some)
    }
}

/// The sum over all items, from the values of some of them, each with its own variance.
fn estimate(all: u64, values: impl Iterator<Item = (f64, f64)>) -> Estimate {
    let values: Vec<(f64, f64)> = values.collect();
    if values.is_empty() {
        return Estimate::default();
    }
    let (all, some) = (as_float(all), as_float(values.len() as u64));
    let mean = values.iter().map(|(value, _)| value).sum::<f64>() / some;
    let squares = values.iter().map(|(value, _)| (value - mean).powi(2)).sum::<f64>();
    let between = all * all * (1.0 - some / all) * squares / (some - 1.0).max(1.0) / some;
    let within = all / some * values.iter().map(|(_, variance)| variance).sum::<f64>();
    Estimate {
        value: as_whole(all * mean),
        error: as_whole((NORMAL_95 * (between + within).sqrt()).ceil()),
    }
}

/// Counts and bytes are far below the 2^53 up to which a float holds whole numbers.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to what fits")]
fn as_whole(number: f64) -> u64 {
    number.round() as u64
}

impl MemoryStats {
    /// All of it together. The errors are added up too, as if all went the same way.
    #[must_use]
    pub fn total(&self) -> Estimate {
        let measured =
            [self.documents, self.versions, self.mutations, self.transformations, self.audit];
        Estimate {
            value: self.indexes + measured.iter().map(|one| one.value).sum::<u64>(),
            error: measured.iter().map(|one| one.error).sum(),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            0 => write!(f, "{}", self.value),
            error => write!(f, "{} ± {error}", self.value),
        }
    }
}

impl fmt::Display for CollectionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<26}{value}");
        line("items", &self.items)?;
        for (name, time) in [("oldest", self.oldest), ("newest", self.newest)] {
            if let Some(time) = time {
                line(name, &time)?;
            }
        }
        line("versions", &self.versions)?;
        let bytes = &self.bytes;
        line("bytes of documents", &bytes.documents)?;
        line("bytes of old versions", &bytes.versions)?;
        line("bytes of mutations", &bytes.mutations)?;
        line("bytes of transformations", &bytes.transformations)?;
        line("bytes of audit trails", &bytes.audit)?;
        line("bytes of indexes", &bytes.indexes)?;
        line("bytes altogether", &bytes.total())?;
        for (name, jobs) in &self.jobs {
            let QueueStats { waiting, delayed, running, dead, .. } = jobs;
            let states =
                format!("{waiting} waiting, {delayed} delayed, {running} running, {dead} dead");
            line(&format!("jobs of {name}"), &states)?;
        }
        write!(f, "{:<26}{} of {} items", "measured", self.sampled, self.items)
    }
}

impl<'a, T: Document> IntoFuture for Stats<'a, T> {
    type Output = Result<CollectionStats>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
