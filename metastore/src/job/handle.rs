//! `Job`: one requested run of a transformation on one item, and waiting for its result.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::status::{JobState, JobStatus, read_status};
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
    ) -> Self {
        Self { repo, item, transformation, id }
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
    pub async fn status(&self) -> Result<JobStatus<R>> {
        self.read("status").await
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
            // Subscribed before the first read, so that no message is missed between the two.
            let mut subscription = self.subscribe().await?;
            loop {
                match self.read(OPERATION).await {
                    Ok(mut status) => {
                        let result = status.result.take();
                        match self.outcome(&status) {
                            Some(Ok(())) => {
                                if let Some(result) = result {
                                    return Ok(result);
                                }
                            }
                            Some(Err(error)) => return Err(error),
                            None => {}
                        }
                    }
                    // The server may be available again before the deadline.
                    Err(error) if error.is_retryable() => {}
                    Err(error) => return Err(error),
                }
                changed(&mut subscription).await;
            }
        };
        let timed_out = || Error::new(OPERATION, ErrorKind::Timeout(timeout)).at(self.key());
        tokio::time::timeout_at(deadline, result).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Whether this job is complete, and if so, whether it succeeded.
    pub(super) fn outcome(&self, status: &JobStatus<R>) -> Option<Result<()>> {
        let failed = |attempts, message| {
            let kind = ErrorKind::JobFailed { attempts, message };
            Some(Err(Error::new("wait", kind).at(self.key())))
        };
        // A later job runs on the same version of the item or a newer one.
        if status.result_job.as_deref().is_some_and(|job| job >= self.id.as_str()) {
            return Some(Ok(()));
        }
        if status.job == self.id {
            return match status.state {
                JobState::Dead => failed(status.attempts, status.error.clone().unwrap_or_default()),
                JobState::Cancelled => {
                    Some(Err(Error::new("wait", ErrorKind::JobCancelled).at(self.key())))
                }
                _ => None,
            };
        }
        if status.next.as_deref() == Some(&self.id) {
            return None;
        }
        // A later job has replaced this one. The ids of two clients may be a few milliseconds out
        // of order, so the result of the last job counts whatever its id is.
        if status.state == JobState::Done && status.result_job.as_ref() == Some(&status.job) {
            return Some(Ok(()));
        }
        failed(0, format!("it was replaced by job {} before it had a result", status.job))
    }

    pub(super) async fn subscribe(&self) -> Result<Subscription> {
        self.repo.store().subscribe(self.key()).await
    }

    pub(super) async fn read(&self, operation: &'static str) -> Result<JobStatus<R>> {
        let status = read_status(&self.repo, &self.item, self.transformation, operation).await?;
        status.ok_or_else(|| Error::new(operation, ErrorKind::JobGone).at(self.key()))
    }

    /// The key of the job's record, which is also the channel of its messages.
    fn key(&self) -> String {
        self.repo.address().transformation(&self.item, self.transformation.schema().name)
    }
}

/// Returns when the status may have changed.
pub(super) async fn changed(subscription: &mut Subscription) {
    let _ = tokio::time::timeout(POLL_INTERVAL, subscription.changed()).await;
}
