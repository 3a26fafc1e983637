//! `ItemTransformation`: a transformation of one item.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::handle::Job;
use crate::job::options::EnqueueOptions;
use crate::job::queue::Queue;
use crate::job::read::{read_result, read_snapshot};
use crate::job::status::JobStatus;
use crate::key::Id;
use crate::redis::script::{CANCEL, ScriptCall, code};
use crate::repo::Repo;
use crate::repo::handle::ItemHandle;

/// A transformation of one item.
#[must_use = "a transformation does nothing until it is enqueued or read"]
pub struct ItemTransformation<'a, T: Document, R> {
    handle: ItemHandle<'a, T>,
    transformation: Transformation<T, R>,
}

impl<T: Document, R> Clone for ItemTransformation<'_, T, R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), transformation: self.transformation }
    }
}

impl<'a, T: Document> ItemHandle<'a, T> {
    /// Returns the handle of a transformation of this item. `#[derive(Collection)]` also generates
    /// a method for each transformation.
    pub fn transformation<R>(
        &self,
        transformation: Transformation<T, R>,
    ) -> ItemTransformation<'a, T, R> {
        ItemTransformation { handle: self.clone(), transformation }
    }
}

impl<'a, T: Document, R> ItemTransformation<'a, T, R> {
    /// The collection, the id and the definition.
    pub(crate) fn parts(
        self,
        operation: &'static str,
    ) -> Result<(&'a Repo<T>, Id, Transformation<T, R>)> {
        Ok((self.handle.repo, self.handle.id(operation)?, self.transformation))
    }
}

impl<T: Document, R: DeserializeOwned> ItemTransformation<'_, T, R> {
    /// Requests a run on the current version of the item.
    ///
    /// One round trip. Each item has at most one live job for each transformation. If a job waits,
    /// that job is returned; if a job runs on an older version, a new job runs after it.
    ///
    /// # Errors
    ///
    /// `NotFound`, `InvalidId`, `OutOfMemory`, `Unavailable`, `OutcomeUnknown`; `Decode` if the
    /// item's key does not hold a document; `InvalidArgument` for a transformation with
    /// `mode = inline`.
    pub async fn enqueue(self) -> Result<Job<T, R>> {
        self.enqueue_with(EnqueueOptions::new()).await
    }

    /// Requests a run after `delay` at the earliest, on the version that the item has by then.
    ///
    /// One round trip. A live job is returned as by [`ItemTransformation::enqueue`]. That method
    /// also runs a job at once that was requested with a delay.
    ///
    /// # Errors
    ///
    /// As [`ItemTransformation::enqueue_with`].
    pub async fn enqueue_in(self, delay: Duration) -> Result<Job<T, R>> {
        self.enqueue_with(EnqueueOptions::new().delay(delay.max(Duration::from_millis(1)))).await
    }

    /// Requests a run with a delay, a priority, a timeout or a trace context.
    ///
    /// One round trip. A live job is returned as by [`ItemTransformation::enqueue`], without the
    /// new options, except that a higher priority raises that of a waiting job.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` also for options out of range; otherwise as
    /// [`ItemTransformation::enqueue`].
    pub async fn enqueue_with(self, options: EnqueueOptions) -> Result<Job<T, R>> {
        let id = self.handle.id("enqueue")?;
        let repo = self.handle.repo;
        let mut jobs = repo.enqueue_many(self.transformation, [&id], options).await?;
        jobs.pop().unwrap_or_else(|| Err(repo.missing(&id, "enqueue")))
    }

    /// Cancels the live job, whether it waits or runs. Returns whether there was a live job.
    ///
    /// One round trip. The result of a running job is refused from then on; its handler is dropped
    /// when the worker next renews its lease. [`Job::wait`] returns `JobCancelled`.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn cancel(self) -> Result<bool> {
        const OPERATION: &str = "cancel";
        let repo = self.handle.repo;
        let id = self.handle.id(OPERATION)?;
        let name = self.transformation.name();
        let commit = repo.store().new_ulid().to_string();
        let call = ScriptCall::new(&CANCEL)
            .key(repo.address().queue(name).jobs)
            .address(repo.address())
            .arg(name)
            .arg(id.as_str().to_owned())
            .arg(commit.clone())
            .audit(&repo.audit_context());
        Ok(repo.write(OPERATION, &commit, call).await?.code == code::DONE)
    }

    /// Removes the job if it is dead, and keeps an earlier result. Returns whether there was a dead
    /// job. To run the job again instead, call [`retry`](Self::retry).
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn discard(self) -> Result<bool> {
        let id = self.handle.id("discard")?;
        Queue::new(self.handle.repo, self.transformation).discard(&id).await
    }

    /// Runs a dead or cancelled job again, with all its retries; runs a delayed job at once. The
    /// job keeps its id, so that [`Job::wait`] works again. Returns `None` if there is no such job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `NotFound`, `OutOfMemory`, `Unavailable`, `OutcomeUnknown`.
    pub async fn retry(self) -> Result<Option<Job<T, R>>> {
        let repo = self.handle.repo;
        let id = self.handle.id("retry")?;
        let job = Queue::new(repo, self.transformation).retry_numbered(&id).await?;
        Ok(job.map(|(job, seq)| Job::new(repo.clone(), id, self.transformation, job, seq)))
    }

    /// Returns the status of the last job, and which run the last result is of; `None` if no run
    /// was ever requested. The result itself is not read, see [`ItemTransformation::result`].
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`.
    pub async fn status(self) -> Result<Option<JobStatus>> {
        let id = self.handle.id("status")?;
        let name = self.transformation.schema().name;
        let snapshot = read_snapshot(self.handle.repo, &id, name, "status").await?;
        Ok(snapshot.and_then(|snapshot| snapshot.status()))
    }

    /// Returns the last result; `None` if no run has finished yet. To know whether the item has
    /// changed since, read [`ItemTransformation::status`].
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if the result does not deserialize as `R`; `InvalidId`, `Unavailable`.
    pub async fn result(self) -> Result<Option<R>> {
        let id = self.handle.id("result")?;
        read_result(self.handle.repo, &id, self.transformation, "result").await
    }

    /// Waits for the live job and returns its result. If the last job has finished, returns its
    /// result at once.
    ///
    /// # Errors
    ///
    /// `NotFound` if no run was ever requested; otherwise as [`Job::wait`].
    pub async fn wait(self, timeout: Duration) -> Result<R> {
        let id = self.handle.id("wait")?;
        let repo = self.handle.repo;
        let name = self.transformation.schema().name;
        let snapshot = read_snapshot(repo, &id, name, "wait").await?;
        let job = snapshot.and_then(|snapshot| snapshot.last_job()).ok_or_else(|| {
            let key = repo.address().transformation(&id, name);
            Error::new("wait", ErrorKind::NotFound).at(key)
        })?;
        Job::new(repo.clone(), id, self.transformation, job.0, job.1).wait(timeout).await
    }
}
