//! Transformations and their jobs.

use std::time::Duration;

use super::Dynamic;
use super::many::checked_ids;
use crate::error::{Error, ErrorKind, Result};
use crate::job::options::EnqueueOptions;
use crate::job::queue::{DeadJob, QueueStats};
use crate::job::status::JobStatus;
use crate::json::text::Json;
use crate::key::ToId;
use crate::repo::checked_id;

impl Dynamic {
    /// Requests a run of a transformation and returns the id of its job. See
    /// [`ItemTransformation::enqueue`](crate::ItemTransformation::enqueue).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; `NotFound`; and as the typed call.
    pub async fn enqueue(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<String> {
        self.enqueue_with(collection, id, transformation, EnqueueOptions::new()).await
    }

    /// Requests a run that starts after `delay` at the earliest. See
    /// [`ItemTransformation::enqueue_in`](crate::ItemTransformation::enqueue_in).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::enqueue`].
    pub async fn enqueue_in(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
        delay: Duration,
    ) -> Result<String> {
        let options = EnqueueOptions::new().delay(delay.max(Duration::from_millis(1)));
        self.enqueue_with(collection, id, transformation, options).await
    }

    /// Requests a run with a delay, a priority, a timeout or a trace context. See
    /// [`ItemTransformation::enqueue_with`](crate::ItemTransformation::enqueue_with).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::enqueue`], and `InvalidArgument` as the typed call.
    pub async fn enqueue_with(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
        options: EnqueueOptions,
    ) -> Result<String> {
        let ids = checked_ids([id], "enqueue")?;
        let mut jobs =
            self.lookup(collection, "enqueue")?.enqueue(ids, transformation, options).await?;
        // Each id has a result.
        jobs.pop().unwrap_or_else(|| Err(Error::new("enqueue", ErrorKind::NotFound)))
    }

    /// Requests a run for each of many items, and returns the id of each job. See
    /// [`Repo::enqueue_many`](crate::Repo::enqueue_many).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn enqueue_items<K: ToId>(
        &self,
        collection: &str,
        ids: impl IntoIterator<Item = K>,
        transformation: &str,
        options: EnqueueOptions,
    ) -> Result<Vec<Result<String>>> {
        let ids = checked_ids(ids, "enqueue")?;
        self.lookup(collection, "enqueue")?.enqueue(ids, transformation, options).await
    }

    /// The status of a transformation of an item; `None` if it was never requested. See
    /// [`ItemTransformation::status`](crate::ItemTransformation::status).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn job_status(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<Option<JobStatus>> {
        let id = checked_id(&id, "status")?;
        self.lookup(collection, "status")?.status(id, transformation).await
    }

    /// The last result of a transformation; `None` if no run has finished yet. See
    /// [`ItemTransformation::result`](crate::ItemTransformation::result).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::job_status`].
    pub async fn transformation_result(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<Option<Json>> {
        let id = checked_id(&id, "result")?;
        self.lookup(collection, "result")?.result(id, transformation).await
    }

    /// Waits for the live job of a transformation and returns its result. See
    /// [`ItemTransformation::wait`](crate::ItemTransformation::wait).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn wait(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
        timeout: Duration,
    ) -> Result<Json> {
        let id = checked_id(&id, "wait")?;
        self.lookup(collection, "wait")?.wait(id, transformation, timeout).await
    }

    /// Cancels the live job of a transformation; returns whether there was one. See
    /// [`ItemTransformation::cancel`](crate::ItemTransformation::cancel).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::job_status`].
    pub async fn cancel(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<bool> {
        let id = checked_id(&id, "cancel")?;
        self.lookup(collection, "cancel")?.cancel(id, transformation).await
    }

    /// Removes the job of a transformation from the dead-letter set. See
    /// [`ItemTransformation::discard`](crate::ItemTransformation::discard).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::job_status`].
    pub async fn discard(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<bool> {
        let id = checked_id(&id, "discard")?;
        self.lookup(collection, "discard")?.discard(id, transformation).await
    }

    /// Requests another run of a job that was dead-lettered or cancelled, with the same id; `None`
    /// if there is no such job. See
    /// [`ItemTransformation::retry`](crate::ItemTransformation::retry).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::job_status`].
    pub async fn retry(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<Option<String>> {
        let id = checked_id(&id, "retry")?;
        self.lookup(collection, "retry")?.retry(id, transformation).await
    }

    /// The number of jobs of a transformation, by state. See
    /// [`Queue::stats`](crate::job::queue::Queue::stats).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn queue_stats(&self, collection: &str, transformation: &str) -> Result<QueueStats> {
        self.lookup(collection, "stats")?.queue_stats(transformation).await
    }

    /// The dead-lettered jobs of a transformation, the latest first. See
    /// [`Queue::dead`](crate::job::queue::Queue::dead).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::queue_stats`], and `InvalidArgument` for a limit out of range.
    pub async fn dead_jobs(
        &self,
        collection: &str,
        transformation: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<DeadJob>> {
        self.lookup(collection, "dead")?.dead_jobs(transformation, offset, limit).await
    }
}
