//! Dead jobs: list, retry, discard.

use serde::Serialize;

use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::job::record::EndedJob;
use crate::key::{Id, ToId};
use crate::redis::command::{Reply, Verdict};
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
        Ok(self.retry_numbered(id).await?.map(|(job, _)| job))
    }

    /// The same, with the number of the job.
    pub(crate) async fn retry_numbered(&self, id: impl ToId) -> Result<Option<(String, u64)>> {
        const OPERATION: &str = "retry";
        let id = checked_id(&id, OPERATION)?;
        let at = self.repo.address();
        let commit = self.repo.store().new_ulid().to_string();
        let call = self
            .begin(ScriptCall::new(&RETRY))
            .arg(id.as_str().to_owned())
            .arg(commit.clone())
            .audit(&self.repo.audit_context());
        let mut verdict = self.write(OPERATION, &commit, call, self.retry_policy()).await?;
        match verdict.code {
            code::DONE => {
                let job = verdict.text(OPERATION)?;
                Ok(Some((job, verdict.number(OPERATION)?)))
            }
            code::CONFLICT => Ok(None),
            _ => Err(Error::new(OPERATION, ErrorKind::NotFound).at(at.latest(&id))),
        }
    }

    /// Runs dead jobs again, the newest first, each as by [`Queue::retry`]. Returns the number of
    /// jobs that run again; call it until it returns 0 to retry all.
    ///
    /// Two round trips.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a limit that is not from 1 to 1,000; otherwise as [`Queue::retry`].
    pub async fn retry_all(&self, limit: usize) -> Result<usize> {
        const OPERATION: &str = "retry";
        let dead = self.dead(0, limit).await?;
        let calls = dead.iter().map(|job| {
            let commit = self.repo.store().new_ulid().to_string();
            let call = self
                .begin(ScriptCall::new(&RETRY))
                .arg(job.item.as_str().to_owned())
                .arg(commit)
                .audit(&self.repo.audit_context());
            (call, self.retry_policy())
        });
        let writer = self.repo.store().writer();
        let mut retried = 0;
        for reply in writer.commit_pipelined(OPERATION, calls.collect()).await {
            // Another call may have retried or discarded a job since the list was read.
            let verdict = Verdict::from_reply(reply?, OPERATION)?;
            retried += usize::from(verdict.code == code::DONE);
        }
        Ok(retried)
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
        let call = self.begin(ScriptCall::new(&DISCARD)).arg(id.as_str().to_owned());
        Ok(self.write(OPERATION, "", call, self.retry_policy()).await?.code == code::DONE)
    }

    async fn read_dead(&self, offset: usize, limit: usize, only: &str) -> Result<Vec<DeadJob>> {
        const OPERATION: &str = "dead";
        let call = self
            .begin(ScriptCall::new(&DEAD_LETTERS))
            .int(offset as u64)
            .int(limit as u64)
            .arg(only.to_owned());
        let mut verdict = self.write(OPERATION, "", call, RetryPolicy::NEVER).await?;
        // What another program has written is left out.
        let jobs = verdict.array(OPERATION)?;
        Ok(jobs.chunks(2).filter_map(dead_job).collect())
    }
}

/// Parses an id and the part of a record that says how its job ended.
fn dead_job(parts: &[Reply]) -> Option<DeadJob> {
    let [id, ended] = parts else { return None };
    let ended: EndedJob = serde_json::from_str(ended.as_text()?).ok()?;
    Some(DeadJob {
        item: Id::new(id.as_text()?).ok()?,
        job: ended.job,
        attempts: ended.attempts,
        crashes: ended.crashes,
        error: ended.error.unwrap_or_default(),
        enqueued_at: ended.enqueued.unwrap_or(Timestamp::from_millis(0)),
        died_at: ended.finished.unwrap_or(Timestamp::from_millis(0)),
        source_version: ended.version,
    })
}
