//! The requester's side of a transformation: enqueue, status, result, wait.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::ItemHandle;
use crate::job::Job;
use crate::redis::command::Command;
use crate::redis::script::{CANCEL, DISCARD, ENQUEUE, ScriptCall};
use crate::status::{JobStatus, read_status};
use crate::time::millis;
use crate::transformation::Transformation;

/// A transformation of one item.
#[must_use = "a transformation does nothing until it is enqueued or read"]
pub struct ItemTransformation<'a, T: Collection, R> {
    handle: ItemHandle<'a, T>,
    transformation: Transformation<T, R>,
}

impl<T: Collection, R> Clone for ItemTransformation<'_, T, R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), transformation: self.transformation }
    }
}

impl<'a, T: Collection> ItemHandle<'a, T> {
    /// A transformation of this item; the collection's handle has a method for each.
    pub fn transformation<R>(
        &self,
        transformation: Transformation<T, R>,
    ) -> ItemTransformation<'a, T, R> {
        ItemTransformation { handle: self.clone(), transformation }
    }
}

impl<T: Collection, R: DeserializeOwned> ItemTransformation<'_, T, R> {
    /// Requests a run on the current version of the item, by whichever worker is free.
    ///
    /// One round trip. There is at most one live job for an item and a transformation: if one waits,
    /// it is given back; if one runs on an older version, it runs once more afterwards.
    ///
    /// # Errors
    ///
    /// `NotFound`, `OutOfMemory`, `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn enqueue(self) -> Result<Job<T, R>> {
        self.request(Duration::ZERO).await
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
        self.request(delay.max(Duration::from_millis(1))).await
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
        let queue = repo.address().queue(name);
        let commit = repo.store().new_ulid().to_string();
        let call = ScriptCall::new(&CANCEL)
            .key(repo.address().transformation(&id, name))
            .key(queue.delayed)
            .key(queue.leased)
            .key(repo.address().audit(&id))
            .arg(id.as_str().to_owned())
            .arg(commit.clone())
            .arg(repo.audit_arg())
            .arg(repo.actor_arg())
            .arg(name);
        Ok(repo.write(OPERATION, &commit, call).await?.code == 1)
    }

    /// Forgets the job if it failed for good; to run it once more instead, enqueue it. Gives whether
    /// there was such a job. An earlier result stays.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn discard(self) -> Result<bool> {
        const OPERATION: &str = "discard";
        let repo = self.handle.repo;
        let id = self.handle.id(OPERATION)?;
        let name = self.transformation.name();
        let call = ScriptCall::new(&DISCARD)
            .key(repo.address().transformation(&id, name))
            .key(repo.address().queue(name).dead)
            .arg(id.as_str().to_owned());
        Ok(repo.write(OPERATION, "", call).await?.code == 1)
    }

    async fn request(self, delay: Duration) -> Result<Job<T, R>> {
        const OPERATION: &str = "enqueue";
        let repo = self.handle.repo;
        let id = self.handle.id(OPERATION)?;
        let name = self.transformation.schema().name;
        let (at, queue) = (repo.address(), repo.address().queue(name));
        let job = repo.store().new_ulid().to_string();
        let call = ScriptCall::new(&ENQUEUE)
            .key(at.transformation(&id, name))
            .key(queue.waiting)
            .key(queue.dead)
            .key(at.latest(&id))
            .key(at.audit(&id))
            .key(queue.delayed)
            .arg(id.as_str().to_owned())
            .arg(job.clone())
            .arg(queue.wake)
            .arg(repo.audit_arg())
            .arg(repo.actor_arg())
            .arg(name)
            .int(millis(delay));
        let mut verdict = repo.write(OPERATION, &job, call).await?;
        match verdict.code {
            1 | 2 => {
                let job = verdict.text(OPERATION)?;
                Ok(Job::new(repo.clone(), id, self.transformation, job))
            }
            -1 => Err(repo.missing(&id, OPERATION)),
            _ => Err(Error::new(OPERATION, envelope::not_an_envelope()).at(at.latest(&id))),
        }
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
        let command = Command::new("HGET").arg(key.clone()).arg("result");
        let reply = repo
            .store()
            .reader()
            .call(command)
            .await
            .map_err(|fault| fault.into_error("result").at(key.clone()))?;
        reply.into_data().map(|json| envelope::decode_value(&json, &key, "result")).transpose()
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
