//! Transformations: heavy work on one document, queued here and done by a worker.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::collection::Collection;
use crate::envelope::{self, HEAD_LEN};
use crate::error::{Error, ErrorKind, Result};
use crate::item::ItemHandle;
use crate::job::{Job, JobState, JobStatus};
use crate::key::Id;
use crate::redis::command::{Command, Reply};
use crate::redis::read;
use crate::redis::script::{ENQUEUE, ScriptCall};
use crate::repo::Repo;
use crate::schema::TransformationSchema;
use crate::time::Timestamp;

/// A transformation of a collection, as its derive declares it: `Text::SUMMARIZE`.
pub struct Transformation<T, R> {
    schema: TransformationSchema,
    types: PhantomData<fn(&T) -> R>,
}

impl<T, R> Clone for Transformation<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Transformation<T, R> {}

impl<T, R> Transformation<T, R> {
    /// What the derive writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(schema: TransformationSchema) -> Self {
        Self { schema, types: PhantomData }
    }

    /// The name, the timeout and the retries.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }
}

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
        let name = self.transformation.schema.name;
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
        let key = repo.address().transformation(&id, self.transformation.schema.name);
        let command = Command::new("HGET").arg(key.clone()).arg("result");
        let reply = read::call(repo.store().connection(), command)
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
            let key = repo.address().transformation(&id, self.transformation.schema.name);
            Error::new("wait", ErrorKind::NotFound).at(key)
        })?;
        let job = status.job;
        Job::new(repo.clone(), id, self.transformation, job).wait(timeout).await
    }
}

/// Reads a transformation's record and the version of its item.
pub(crate) async fn read_status<T: Collection, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: Transformation<T, R>,
    operation: &'static str,
) -> Result<Option<JobStatus<R>>> {
    let key = repo.address().transformation(id, transformation.schema.name);
    let latest = repo.address().latest(id);
    let commands = vec![
        Command::new("HGETALL").arg(key.clone()),
        Command::new("GETRANGE").arg(latest.clone()).int(0).int(HEAD_LEN as u64 - 1),
    ];
    let mut replies = read::pipeline(repo.store().connection(), commands)
        .await
        .map_err(|fault| fault.into_error(operation).at(key.clone()))?
        .into_iter();
    let mut fields = HashMap::new();
    let mut parts = replies.next().and_then(Reply::into_array).unwrap_or_default().into_iter();
    while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
        if let Some(field) = field.as_text() {
            fields.insert(field.to_owned(), value);
        }
    }
    let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
    if fields.is_empty() || start.is_empty() {
        return Ok(None);
    }
    let item_version = envelope::decode_head(&start, &latest, operation)?.version;
    let text = |field: &str| fields.get(field).and_then(Reply::as_text).map(str::to_owned);
    let number = |field: &str| fields.get(field).and_then(Reply::as_u64);
    let count = |field: &str| number(field).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let time = |field: &str| number(field).map(Timestamp::from_millis);
    let result = match fields.get("result") {
        Some(Reply::Data(json)) => Some(envelope::decode_value(json, &key, operation)?),
        _ => None,
    };
    Ok(Some(JobStatus {
        job: text("job").unwrap_or_default(),
        state: text("state").as_deref().and_then(JobState::parse).unwrap_or(JobState::Queued),
        attempts: count("attempts"),
        crashes: count("crashes"),
        source_version: number("source"),
        enqueued_at: time("enqueued"),
        started_at: time("started"),
        finished_at: time("finished"),
        error: text("error"),
        next: text("next"),
        result,
        result_job: text("result_job"),
        result_version: number("result_version"),
        result_at: time("result_at"),
        item_version,
    }))
}
