//! The queue of one transformation: how a worker takes, renews and ends jobs, and how it is looked at and
//! controlled.
//!
//! - [`Queue`]: one queue; [`Queue::stats`], [`Queue::dead`], [`Queue::pause`], [`Queue::limit_rate`], …
//! - [`QueueSet`]: several of them, looked at by one call
//! - [`Queue::exchange`]: ends jobs and takes the next ones in one round trip; for workers
//!
//! Workers are written with `metastore-worker`; use the calls that take and end jobs only to write
//! another kind of worker. Each is one round trip, and each but taking can be repeated safely: the fence
//! tells whether the worker still holds the job.

mod claim_one;
mod control;
mod dead;
mod end;
mod exchange;
mod set;
mod stats;
mod take;

use std::time::Duration;

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, TransformationKeys};
use crate::redis::command::Verdict;
use crate::redis::pubsub::Subscription;
use crate::redis::script::{MAY_PUBLISH, ScriptCall};
use crate::redis::write::{Commit, WriteSet};
use crate::repo::Repo;
use crate::schema::TransformationSchema;

pub use control::RateLimit;
pub use dead::DeadJob;
pub use end::{End, Ended};
pub use exchange::Exchange;
pub use set::QueueSet;
pub use stats::QueueStats;
pub use take::{Haul, TakeOptions, Taken};

/// The queue of one transformation of one collection.
pub struct Queue<T> {
    repo: Repo<T>,
    schema: TransformationSchema,
    keys: TransformationKeys,
}

/// A worker's hold on a job. It ends with the lease, and an old one is refused by its fence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// Grows each time that the job is taken.
    pub fence: u64,
}

/// Tells when the queue may have something new.
pub struct WakeUp(Subscription);

impl WakeUp {
    /// Returns when it is time to look. Cancel-safe.
    pub async fn notified(&mut self) {
        self.0.changed().await;
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { repo: self.repo.clone(), schema: self.schema, keys: self.keys.clone() }
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("transformation", &self.schema.name).finish_non_exhaustive()
    }
}

impl<T: Document> Queue<T> {
    /// The queue of a transformation; no round trip.
    #[must_use]
    pub fn new<R>(repo: &Repo<T>, transformation: Transformation<T, R>) -> Self {
        Self::of_schema(repo, transformation.schema())
    }

    /// The queues of all transformations of a collection that workers carry out; no round trip.
    #[must_use]
    pub fn all(repo: &Repo<T>) -> Vec<Self> {
        let queued = T::SCHEMA.transformations.iter().filter(|schema| !schema.inline);
        queued.map(|schema| Self::of_schema(repo, *schema)).collect()
    }

    pub(crate) fn of_schema(repo: &Repo<T>, schema: TransformationSchema) -> Self {
        Self { keys: repo.address().queue(schema.name), repo: repo.clone(), schema }
    }

    /// The transformation's name and settings.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }

    /// The collection.
    #[must_use]
    pub fn repo(&self) -> &Repo<T> {
        &self.repo
    }

    /// Subscribes to the wake-up call that is published when the queue turns from empty to not empty.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn wake_up(&self) -> Result<WakeUp> {
        self.repo.store().subscribe(self.keys.wake.clone()).await.map(WakeUp)
    }

    /// Whether the user may publish the wake-up calls of this queue and the states of its jobs. Without that
    /// right everything works, but workers and waiting callers notice a change only when they look again.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Auth`, `Unavailable`.
    pub async fn may_publish(&self) -> Result<bool> {
        const OPERATION: &str = "may_publish";
        let at = self.repo.address();
        let record = format!("{}*{}", self.keys.item_prefix, self.keys.record_suffix);
        let call =
            ScriptCall::new(&MAY_PUBLISH).key(at.index()).args([self.keys.wake.clone(), record]);
        let reply = self.repo.store().reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(OPERATION).at(at.index()))?;
        Ok(Verdict::from_reply(reply, OPERATION)?.number(OPERATION)? == 1)
    }

    /// The keys of the lists of waiting jobs.
    pub(crate) fn lists(&self) -> [String; 3] {
        [&self.keys.high, &self.keys.waiting, &self.keys.low].map(Clone::clone)
    }

    /// A call of a script on jobs of several items, with what it needs to build their keys.
    pub(crate) fn call(&self, call: ScriptCall) -> ScriptCall {
        self.begin(call).arg(self.keys.latest_suffix)
    }

    fn record(&self, id: &Id) -> String {
        self.repo.address().transformation(id, self.schema.name)
    }

    async fn write(
        &self,
        operation: &'static str,
        id: &str,
        call: ScriptCall,
        patience: Duration,
    ) -> Result<Verdict> {
        let sent = Commit { operation, id, writes: WriteSet::Conditional(call), patience };
        let writer = self.repo.store().writer();
        let reply =
            writer.commit(sent).await.map_err(|error| error.at(self.keys.waiting.clone()))?;
        let reply = reply
            .ok_or_else(|| Error::new(operation, ErrorKind::Server("no verdict".to_owned())))?;
        Verdict::from_reply(reply.reply, operation)
    }

    fn patience(&self) -> Duration {
        self.repo.store().settings().outcome_timeout
    }
}

fn add_claim(call: ScriptCall, claim: &Claim) -> ScriptCall {
    call.arg(claim.item.as_str().to_owned()).arg(claim.job.clone()).int(claim.fence)
}
