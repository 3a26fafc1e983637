//! The requester's side of a transformation: enqueue, status, result, wait.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::document::envelope::{self, HEAD_LEN};
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::enqueue::EnqueueOptions;
use crate::job::handle::Job;
use crate::job::queue::Queue;
use crate::job::status::{JobStatus, read_status};
use crate::key::Id;
use crate::redis::command::{Command, Reply};
use crate::redis::script::{CANCEL, ScriptCall};
use crate::repo::Repo;
use crate::repo::handle::ItemHandle;
use crate::time::Timestamp;

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
    /// A transformation of this item; the collection's handle has a method for each.
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
    /// Requests a run on the current version of the item, by whichever worker is free.
    ///
    /// One round trip. There is at most one live job for an item and a transformation: if one waits,
    /// it is given back; if one runs on an older version, it runs once more afterwards.
    ///
    /// # Errors
    ///
    /// `NotFound`, `OutOfMemory`, `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn enqueue(self) -> Result<Job<T, R>> {
        self.enqueue_with(EnqueueOptions::new()).await
    }

    /// Requests a run that begins after `delay` at the earliest, on the version that the item has then.
    ///
    /// One round trip. A live job is given back as by [`ItemTransformation::enqueue`], which also brings
    /// a delayed one forward.
    ///
    /// # Errors
    ///
    /// As [`ItemTransformation::enqueue`].
    pub async fn enqueue_in(self, delay: Duration) -> Result<Job<T, R>> {
        self.enqueue_with(EnqueueOptions::new().delay(delay.max(Duration::from_millis(1)))).await
    }

    /// Requests a run with a delay, a priority, a timeout or a trace context.
    ///
    /// One round trip. If a live job will do, it is given back as it is, except that a higher priority
    /// moves a waiting one up.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for options out of range, and for a transformation with `mode = inline`; and as
    /// [`ItemTransformation::enqueue`].
    pub async fn enqueue_with(self, options: EnqueueOptions) -> Result<Job<T, R>> {
        let id = self.handle.id("enqueue")?;
        let repo = self.handle.repo;
        let mut jobs = repo.enqueue_many(self.transformation, [&id], options).await?;
        jobs.pop().unwrap_or_else(|| Err(repo.missing(&id, "enqueue")))
    }

    /// Ends the live job without a result, whether it waits or runs. Gives whether there was one.
    ///
    /// One round trip. The result of a run that is cancelled is refused at once; its handler is dropped
    /// when the worker next renews its lease. Whoever waits for the job gets `JobCancelled`.
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
            .keys(repo.address().queue(name).all())
            .key(repo.address().transformation(&id, name))
            .key(repo.address().audit(&id))
            .key(repo.address().latest(&id))
            .arg(id.as_str().to_owned())
            .arg(commit.clone())
            .arg(repo.audit_arg(&id))
            .arg(repo.actor_arg())
            .arg(name);
        Ok(repo.write(OPERATION, &commit, call).await?.code == 1)
    }

    /// Forgets the job if it failed for good; to run it once more instead, enqueue or retry it. Gives whether
    /// there was such a job. An earlier result stays.
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

    /// Runs a job again that failed for good or was cancelled, with all its retries; one that waits after
    /// a failure runs at once. It keeps its id, so whoever waited can wait again. `None` if there is no
    /// such job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `NotFound`, `OutOfMemory`, `Unavailable`, `OutcomeUnknown`.
    pub async fn retry(self) -> Result<Option<Job<T, R>>> {
        let repo = self.handle.repo;
        let id = self.handle.id("retry")?;
        let job = Queue::new(repo, self.transformation).retry(&id).await?;
        Ok(job.map(|job| Job::new(repo.clone(), id, self.transformation, job)))
    }

    /// Everything that is known of the job and its result; `None` if none was ever requested.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if the result does not read as the transformation's type, `InvalidId`, `Unavailable`.
    pub async fn status(self) -> Result<Option<JobStatus<R>>> {
        let id = self.handle.id("status")?;
        read_status(self.handle.repo, &id, self.transformation, "status").await
    }

    /// The last result; `None` if no run has finished yet. [`ItemTransformation::status`] tells
    /// whether the item has changed since.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// As [`ItemTransformation::status`].
    pub async fn result(self) -> Result<Option<R>> {
        let repo = self.handle.repo;
        let id = self.handle.id("result")?;
        let key = repo.address().transformation(&id, self.transformation.schema().name);
        let latest = repo.address().latest(&id);
        let fields = ["result", "result_until", "origin"];
        let record = fields.into_iter().fold(Command::new("HMGET").arg(key.clone()), Command::arg);
        let head = Command::new("GETRANGE").arg(latest.clone()).int(0).int(HEAD_LEN as u64 - 1);
        let replies = repo
            .store()
            .reader()
            .pipeline(vec![record, head])
            .await
            .map_err(|fault| fault.into_error("result").at(key.clone()))?;
        let mut replies = replies.into_iter();
        let mut parts = replies.next().and_then(Reply::into_array).unwrap_or_default().into_iter();
        let (result, until, origin) = (parts.next(), parts.next(), parts.next());
        let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
        if start.is_empty() || !matches!(result, Some(Reply::Data(_))) {
            return Ok(None);
        }
        // What an earlier item with the id has left behind is no result of this one.
        let head = envelope::decode_head(&start, &latest, "result")?;
        if origin.as_ref().and_then(Reply::as_text) != Some(head.origin()) {
            return Ok(None);
        }
        let until = until.as_ref().and_then(Reply::as_u64).map(Timestamp::from_millis);
        // While a later job lives, an outlived result is still in the record.
        if until.is_some_and(|until| until <= repo.store().now()) {
            return Ok(None);
        }
        let json = result.and_then(Reply::into_data);
        json.map(|json| envelope::decode_value(&json, &key, "result")).transpose()
    }

    /// Waits for the live job, or gives the result at once if it has finished.
    ///
    /// # Errors
    ///
    /// `NotFound` if no run was ever requested, and as [`Job::wait`].
    pub async fn wait(self, timeout: Duration) -> Result<R> {
        let id = self.handle.id("wait")?;
        let repo = self.handle.repo;
        let status = read_status(repo, &id, self.transformation, "wait").await?;
        let status = status.ok_or_else(|| {
            let key = repo.address().transformation(&id, self.transformation.schema().name);
            Error::new("wait", ErrorKind::NotFound).at(key)
        })?;
        let job = status.job;
        Job::new(repo.clone(), id, self.transformation, job).wait(timeout).await
    }
}
