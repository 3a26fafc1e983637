//! Dead jobs: list, retry, discard.

use serde::Serialize;

use super::claim::counter;
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::command::{Reply, unexpected};
use crate::redis::script::{DEAD_LETTERS, DISCARD, RETRY, ScriptCall, code};
use crate::redis::write::retry::RetryPolicy;
use crate::repo::checked_id;
use crate::store::cursor::check_offset;
use crate::time::Timestamp;

/// A job that failed and is not retried any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeadJob {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// How many runs of the job failed; see [`JobStatus::attempts`](crate::JobStatus::attempts).
    pub attempts: u32,
    /// How often a worker crashed or froze while it ran the job.
    pub crashes: u32,
    /// The error of the last failed run.
    pub error: String,
    /// When it was requested.
    pub enqueued_at: Timestamp,
    /// When it became dead.
    pub died_at: Timestamp,
    /// The version of the item that the last run read.
    pub source_version: u64,
}

impl<T: Document> Queue<T> {
    /// Lists the dead jobs, newest first; see [`Queue::retry`] and [`Queue::discard`].
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a limit that is not from 1 to 1,000, or an offset above 4,294,967,295;
    /// `WrongType`, `Unavailable`.
    pub async fn dead(&self, offset: usize, limit: usize) -> Result<Vec<DeadJob>> {
        if !(1..=1_000).contains(&limit) {
            let message = format!("limit must be from 1 to 1000, not {limit}");
            return Err(Error::new("dead", ErrorKind::InvalidArgument(message)));
        }
        check_offset(offset, "dead")?;
        self.read_dead(offset, limit, "").await
    }

    /// Returns the job of one item if it is dead.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `WrongType`, `Unavailable`.
    pub async fn dead_job(&self, id: impl ToId) -> Result<Option<DeadJob>> {
        let id = checked_id(&id, "dead")?;
        Ok(self.read_dead(0, 1, id.as_str()).await?.pop())
    }

    /// Runs a dead or cancelled job of an item again, with all its retries; runs a delayed job at
    /// once. The job keeps its id. Returns the id, or `None` if there is no such job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `NotFound`, `OutOfMemory`, `Unavailable`, `OutcomeUnknown`.
    pub async fn retry(&self, id: impl ToId) -> Result<Option<String>> {
        const OPERATION: &str = "retry";
        let id = checked_id(&id, OPERATION)?;
        let at = self.repo.address();
        let commit = self.repo.store().new_ulid().to_string();
        let call = ScriptCall::new(&RETRY)
            .keys(self.keys.all())
            .key(self.record(&id))
            .key(at.latest(&id))
            .key(at.audit(&id));
        let call = self
            .names(call)
            .arg(id.as_str().to_owned())
            .arg(commit.clone())
            .audit(&self.repo.audit_context());
        let mut verdict = self.write(OPERATION, &commit, call, self.retry_policy()).await?;
        match verdict.code {
            code::DONE => verdict.text(OPERATION).map(Some),
            code::CONFLICT => Ok(None),
            _ => Err(Error::new(OPERATION, ErrorKind::NotFound).at(at.latest(&id))),
        }
    }

    /// Removes the job of an item if it is dead, and keeps an earlier result. Returns whether there
    /// was a dead job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`, `OutcomeUnknown`.
    pub async fn discard(&self, id: impl ToId) -> Result<bool> {
        const OPERATION: &str = "discard";
        let id = checked_id(&id, OPERATION)?;
        let call = ScriptCall::new(&DISCARD)
            .key(self.record(&id))
            .key(self.keys.dead.clone())
            .key(self.repo.address().latest(&id))
            .arg(id.as_str().to_owned());
        Ok(self.write(OPERATION, "", call, self.retry_policy()).await?.code == code::DONE)
    }

    async fn read_dead(&self, offset: usize, limit: usize, only: &str) -> Result<Vec<DeadJob>> {
        const OPERATION: &str = "dead";
        let call = self
            .names(ScriptCall::new(&DEAD_LETTERS).key(self.keys.dead.clone()))
            .int(offset as u64)
            .int(limit as u64)
            .arg(only.to_owned());
        let mut verdict = self.write(OPERATION, "", call, RetryPolicy::NEVER).await?;
        // Entries that another program has written are left out.
        Ok(verdict.array(OPERATION)?.into_iter().filter_map(|job| dead_job(job).ok()).collect())
    }
}

fn dead_job(job: Reply) -> Result<DeadJob> {
    let malformed = || unexpected("dead", &"a malformed job");
    let parts = job.into_array().ok_or_else(malformed)?;
    let [id, job, attempts, crashes, error, died, source, enqueued] = &parts[..] else {
        return Err(malformed());
    };
    let time = |reply: &Reply| reply.as_u64().map(Timestamp::from_millis).ok_or_else(malformed);
    Ok(DeadJob {
        item: id.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(malformed)?,
        job: lossy(job),
        attempts: counter(attempts).ok_or_else(malformed)?,
        crashes: counter(crashes).ok_or_else(malformed)?,
        error: lossy(error),
        enqueued_at: time(enqueued)?,
        died_at: time(died)?,
        source_version: source.as_u64().ok_or_else(malformed)?,
    })
}

/// Text that another program may have written, so it may not be UTF-8.
fn lossy(reply: &Reply) -> String {
    let data = reply.clone().into_data().unwrap_or_default();
    String::from_utf8_lossy(&data).into_owned()
}
