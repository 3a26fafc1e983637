//! `JobWatch`: a stream of the statuses of a job.

use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::error::Result;
use crate::job::handle::{Job, changed};
use crate::job::status::{JobState, JobStatus, Progress};
use crate::redis::pubsub::Subscription;

impl<T: Document, R: DeserializeOwned> Job<T, R> {
    /// Watches the state, the progress and the completion of this job.
    ///
    /// The server pushes changes, as for [`Job::wait`].
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Job, Result};
    /// # async fn example<T: Collection>(job: Job<T, String>) -> Result<()> {
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
        let subscription = self.subscribe().await?;
        Ok(JobWatch { job: self, subscription, last: None, is_complete: false })
    }
}

/// A stream of the statuses of a job; made by [`Job::watch`].
pub struct JobWatch<'a, T, R> {
    job: &'a Job<T, R>,
    subscription: Subscription,
    /// The parts of the last returned status that are compared.
    last: Option<(JobState, u32, u32, Option<Progress>)>,
    is_complete: bool,
}

impl<T: Document, R: DeserializeOwned> JobWatch<'_, T, R> {
    /// Returns the status at once, then after each change, and `None` after the job is complete.
    /// Changes in quick succession may be returned as one.
    ///
    /// There is no time limit; wrap the call in `tokio::time::timeout` if you need one.
    ///
    /// # Errors
    ///
    /// `JobGone` if the item was deleted or has expired; otherwise as [`Job::status`], except that
    /// errors of an unavailable server are not returned but retried.
    pub async fn next(&mut self) -> Result<Option<JobStatus>> {
        while !self.is_complete {
            match self.job.read("watch").await {
                Ok(snapshot) => {
                    let Some(status) = snapshot.status() else {
                        return Err(self.job.gone("watch"));
                    };
                    let progress = status.progress.clone();
                    let current = (status.state, status.attempts, status.crashes, progress);
                    self.is_complete = self.job.outcome(&snapshot).is_some();
                    if self.is_complete || self.last.as_ref() != Some(&current) {
                        self.last = Some(current);
                        return Ok(Some(status));
                    }
                }
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
            changed(&mut self.subscription).await;
        }
        Ok(None)
    }
}
