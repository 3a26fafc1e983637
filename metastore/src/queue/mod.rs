//! The queue of one transformation, as a worker sees it: take, renew, finish, fail, release.
//!
//! Linked into services by `metastore-worker`; use this module only to write another worker. Each
//! call is one round trip, and each but `take` can be repeated safely: the fence tells whether the
//! worker still holds the job.

mod end;
mod inspect;
mod lease;
mod take;

use std::time::Duration;

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, TransformationKeys};
use crate::redis::command::Verdict;
use crate::redis::commit::{Commit, WriteSet};
use crate::redis::pubsub::Subscription;
use crate::redis::script::ScriptCall;
use crate::repo::Repo;
use crate::schema::TransformationSchema;
use crate::transformation::Transformation;

pub use inspect::{DeadJob, QueueStats};
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

impl<T: Collection> Queue<T> {
    /// The queue of a transformation; no round trip.
    #[must_use]
    pub fn new<R>(repo: &Repo<T>, transformation: Transformation<T, R>) -> Self {
        let schema = transformation.schema();
        Self { keys: repo.address().queue(schema.name), repo: repo.clone(), schema }
    }

    /// The transformation's name, timeout and retries.
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
        Verdict::from_reply(reply, operation)
    }
}

fn add_claim(call: ScriptCall, claim: &Claim) -> ScriptCall {
    call.arg(claim.item.as_str().to_owned()).arg(claim.job.clone()).int(claim.fence)
}
