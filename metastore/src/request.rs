//! The requester's side of a transformation: enqueue, status, result, wait.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::ItemHandle;
use crate::job::Job;
use crate::redis::command::Command;
use crate::redis::script::{ENQUEUE, ScriptCall};
use crate::status::{JobStatus, read_status};
use crate::transformation::Transformation;

/// A transformation of one item.
#[must_use = "a transformation does nothing until it is enqueued or read"]
pub struct ItemTransformation<'a, T: Collection, R> {
    handle: ItemHandle<'a, T>,
    transformation: Transformation<T, R>,
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
    pub async fn enqueue(&self) -> Result<Job<T, R>> {
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
            .arg(id.as_str().to_owned())
            .arg(job.clone())
            .arg(queue.wake)
            .arg(repo.audit_arg())
            .arg(repo.actor_arg())
            .arg(name);
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
    pub async fn status(&self) -> Result<Option<JobStatus<R>>> {
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
    pub async fn result(&self) -> Result<Option<R>> {
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
    pub async fn wait(&self, timeout: Duration) -> Result<R> {
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
