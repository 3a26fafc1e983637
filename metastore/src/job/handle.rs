//! Jobs: one requested run of a transformation on one item, and waiting for its end.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::status::{JobState, JobStatus, Progress, read_status};
use crate::key::Id;
use crate::redis::pubsub::Subscription;
use crate::repo::Repo;

/// How long to trust that a message will come before looking anyway.
const LOOK_EVERY: Duration = Duration::from_secs(5);

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

    /// The job's id, a ULID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the item.
    #[must_use]
    pub fn item_id(&self) -> &Id {
        &self.item
    }

    /// Everything that is known of the transformation of this item, whichever job is its last.
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

    /// Waits until this job has finished and gives its result.
    ///
    /// The end is pushed by the server, not polled for. A message may be lost with a connection, so
    /// it also looks after each reconnection and every five seconds. Never waits past `timeout`.
    ///
    /// Gives the result of a later job if that one has taken this one's place.
    ///
    /// # Errors
    ///
    /// `JobFailed` with the last error if it failed for good; `JobGone` if the item was deleted or has
    /// expired; `Timeout`; `Decode` if the result does not read as the transformation's type.
    pub async fn wait(&self, timeout: Duration) -> Result<R> {
        const OPERATION: &str = "wait";
        let deadline = Instant::now() + timeout;
        let key = self.repo.address().transformation(&self.item, self.transformation.schema().name);
        let timed_out = || Error::new(OPERATION, ErrorKind::Timeout(timeout)).at(key.clone());
        let end = async {
            // Subscribed first and looked then, so that no end falls between the two.
            let mut subscription = self.repo.store().subscribe(key.clone()).await?;
            loop {
                match self.read(OPERATION).await {
                    Ok(status) => {
                        if let Some(end) = self.end_of(status, &key) {
                            return end;
                        }
                    }
                    // The server may come back before the deadline.
                    Err(error) if error.is_retryable() => {}
                    Err(error) => return Err(error),
                }
                let _ = tokio::time::timeout(LOOK_EVERY, subscription.changed()).await;
            }
        };
        tokio::time::timeout_at(deadline, end).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Watches what becomes of this job: its state, its progress, its end.
    ///
    /// Pushed by the server like [`Job::wait`].
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    ///
    /// ```no_run
    /// # async fn example<T: metastore::Collection>(job: metastore::Job<T, String>) -> metastore::Result<()> {
    /// let mut watch = job.watch().await?;
    /// while let Some(status) = watch.next().await? {
    ///     if let Some(progress) = status.progress {
    ///         println!("{:.0} %: {}", progress.fraction * 100.0, progress.message);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn watch(&self) -> Result<JobWatch<'_, T, R>> {
        let key = self.repo.address().transformation(&self.item, self.transformation.schema().name);
        let subscription = self.repo.store().subscribe(key.clone()).await?;
        Ok(JobWatch { job: self, subscription, key, last: None, ended: false })
    }

    /// The end of this job, if it has come.
    fn end_of(&self, mut status: JobStatus<R>, key: &str) -> Option<Result<R>> {
        let result = status.result.take();
        match self.verdict(&status, key)? {
            Ok(()) => result.map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    fn has_ended(&self, status: &JobStatus<R>, key: &str) -> bool {
        self.verdict(status, key).is_some()
    }

    /// Whether this job has ended, and whether well.
    fn verdict(&self, status: &JobStatus<R>, key: &str) -> Option<Result<()>> {
        let failed = |attempts, message| {
            Some(Err(Error::new("wait", ErrorKind::JobFailed { attempts, message }).at(key)))
        };
        // A later job works on a version that is at least as new.
        if status.result_job.as_deref().is_some_and(|job| job >= self.id.as_str()) {
            return Some(Ok(()));
        }
        if status.job == self.id {
            return match status.state {
                JobState::Dead => failed(status.attempts, status.error.clone().unwrap_or_default()),
                JobState::Cancelled => {
                    Some(Err(Error::new("wait", ErrorKind::JobCancelled).at(key)))
                }
                _ => None,
            };
        }
        if status.next.as_deref() == Some(&self.id) {
            return None;
        }
        // Another job has taken its place. Ids of two clients may be a few milliseconds out of order,
        // so a result of the job that is the last one counts whatever its id.
        if status.state == JobState::Done && status.result_job.as_ref() == Some(&status.job) {
            return Some(Ok(()));
        }
        failed(0, format!("it ended without a result before job {} took its place", status.job))
    }

    async fn read(&self, operation: &'static str) -> Result<JobStatus<R>> {
        let status = read_status(&self.repo, &self.item, self.transformation, operation).await?;
        status.ok_or_else(|| {
            let name = self.transformation.schema().name;
            let key = self.repo.address().transformation(&self.item, name);
            Error::new(operation, ErrorKind::JobGone).at(key)
        })
    }
}

/// What becomes of a job, as it happens; made by [`Job::watch`].
pub struct JobWatch<'a, T, R> {
    job: &'a Job<T, R>,
    subscription: Subscription,
    key: String,
    /// What was last told, without the result.
    last: Option<(JobState, u32, u32, Option<Progress>)>,
    ended: bool,
}

impl<T: Document, R: DeserializeOwned> JobWatch<'_, T, R> {
    /// What is known of the job, at once and then whenever it has changed; `None` after the end. Changes in
    /// quick succession may be told as one.
    ///
    /// Waits as long as it takes: put a `tokio::time::timeout` around it where that matters.
    ///
    /// # Errors
    ///
    /// `JobGone` if the item was deleted or has expired; otherwise as [`Job::status`], but not while the
    /// server is away.
    pub async fn next(&mut self) -> Result<Option<JobStatus<R>>> {
        while !self.ended {
            match self.job.read("watch").await {
                Ok(status) => {
                    let progress = status.progress.clone();
                    let now = (status.state, status.attempts, status.crashes, progress);
                    // Whether it is this job's end is told by the same rule as in `wait`.
                    self.ended = self.job.has_ended(&status, &self.key);
                    if self.ended || self.last.as_ref() != Some(&now) {
                        self.last = Some(now);
                        return Ok(Some(status));
                    }
                }
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.subscription.changed()).await;
        }
        Ok(None)
    }
}
