//! `Job`: one requested run of a transformation on one item, and waiting for its result.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::read::{Snapshot, read_result_of, read_snapshot};
use crate::job::status::{JobState, JobStatus};
use crate::key::Id;
use crate::redis::pubsub::Subscription;
use crate::repo::Repo;

/// The longest time between two reads of the status while no message arrives.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// One requested run of a transformation.
pub struct Job<T, R> {
    repo: Repo<T>,
    item: Id,
    transformation: Transformation<T, R>,
    id: String,
    /// The number of the job in the order of the queue; 0 if it is not known.
    seq: u64,
}

impl<T, R> std::fmt::Debug for Job<T, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

impl<T: Document, R: DeserializeOwned> Job<T, R> {
    pub(crate) fn new(
        repo: Repo<T>,
        item: Id,
        transformation: Transformation<T, R>,
        id: String,
        seq: u64,
    ) -> Self {
        Self { repo, item, transformation, id, seq }
    }

    /// The id of the job, a ULID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the item.
    #[must_use]
    pub fn item_id(&self) -> &Id {
        &self.item
    }

    /// The status of the transformation of this item. If a later job has replaced this one, the
    /// status is that of the later job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `JobGone` if the item was deleted or has expired; otherwise as
    /// [`ItemTransformation::status`](crate::ItemTransformation::status).
    pub async fn status(&self) -> Result<JobStatus> {
        self.read("status").await?.status().ok_or_else(|| self.gone("status"))
    }

    /// Waits until this job has finished and returns its result, or the result of a later job that
    /// has replaced this one.
    ///
    /// The server pushes a message when the job finishes. Because a message can be lost with a
    /// connection, the status is also read after each reconnection and every five seconds. Never
    /// waits longer than `timeout`.
    ///
    /// # Errors
    ///
    /// `JobFailed` with the last error if the job is dead; `JobCancelled` if it was cancelled;
    /// `JobGone` if the item was deleted or has expired; `Timeout`; `Decode` if the stored result
    /// does not deserialize as `R`.
    pub async fn wait(&self, timeout: Duration) -> Result<R> {
        const OPERATION: &str = "wait";
        let deadline = Instant::now() + timeout;
        let result = async {
            // The job may have ended already, so the first look is before the subscription. The
            // second one is after it, so that no message is missed.
            let mut subscription = None;
            loop {
                match self.read(OPERATION).await {
                    Ok(snapshot) => {
                        if let Some(result) = self.result(snapshot, OPERATION).await? {
                            return Ok(result);
                        }
                    }
                    // The server may be available again before the deadline.
                    Err(error) if error.is_retryable() => {}
                    Err(error) => return Err(error),
                }
                match &mut subscription {
                    Some(subscription) => changed(subscription).await,
                    None => subscription = Some(self.subscribe().await?),
                }
            }
        };
        let timed_out = || Error::new(OPERATION, ErrorKind::Timeout(timeout)).at(self.key());
        tokio::time::timeout_at(deadline, result).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// The result of this job or of a later one; `None` if it is not complete yet.
    async fn result(&self, snapshot: Snapshot, operation: &'static str) -> Result<Option<R>> {
        match self.outcome(&snapshot) {
            None => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok(())) => {
                let name = self.transformation.schema().name;
                read_result_of(&self.repo, &self.item, name, snapshot, operation).await
            }
        }
    }

    /// Whether this job is complete, and if so, whether it succeeded.
    pub(super) fn outcome(&self, snapshot: &Snapshot) -> Option<Result<()>> {
        let failed = |attempts, message| {
            let kind = ErrorKind::JobFailed { attempts, message };
            Some(Err(Error::new("wait", kind).at(self.key())))
        };
        let is_mine = |job: &str| job == self.id;
        let Snapshot { live, record, .. } = snapshot;
        if let Some(last) = &record.last {
            // A later job runs on the same version of the item or a newer one.
            if is_mine(&last.job) || (self.seq > 0 && last.seq > self.seq) {
                return Some(Ok(()));
            }
        }
        if let Some(live) = live
            && (is_mine(&live.job) || live.next.as_deref().is_some_and(is_mine))
        {
            return None;
        }
        if let Some(ended) = record.ended.as_ref().filter(|ended| is_mine(&ended.job)) {
            return match ended.state {
                JobState::Cancelled => {
                    Some(Err(Error::new("wait", ErrorKind::JobCancelled).at(self.key())))
                }
                _ => failed(ended.attempts, ended.error.clone().unwrap_or_default()),
            };
        }
        let later = live.as_ref().map(|live| &live.job);
        let later = later.or(record.ended.as_ref().map(|ended| &ended.job));
        match later.or(record.last.as_ref().map(|last| &last.job)) {
            Some(later) => {
                failed(0, format!("it was replaced by job {later} before it had a result"))
            }
            None => Some(Err(self.gone("wait"))),
        }
    }

    pub(super) async fn subscribe(&self) -> Result<Subscription> {
        let changes = self.repo.address().queue(self.transformation.schema().name).changes;
        self.repo.store().subscribe_to(changes, Some(self.item.to_string())).await
    }

    pub(super) async fn read(&self, operation: &'static str) -> Result<Snapshot> {
        let name = self.transformation.schema().name;
        let snapshot = read_snapshot(&self.repo, &self.item, name, operation).await?;
        snapshot.ok_or_else(|| self.gone(operation))
    }

    pub(super) fn gone(&self, operation: &'static str) -> Error {
        Error::new(operation, ErrorKind::JobGone).at(self.key())
    }

    /// The key of the job's record.
    fn key(&self) -> String {
        self.repo.address().transformation(&self.item, self.transformation.schema().name)
    }
}

/// Returns when the status may have changed.
pub(super) async fn changed(subscription: &mut Subscription) {
    let _ = tokio::time::timeout(POLL_INTERVAL, subscription.changed()).await;
}
