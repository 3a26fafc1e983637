//! Looking at a queue: how many jobs there are, and which failed for good.

use std::time::Duration;

use serde::Serialize;

use super::Queue;
use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::script::{DEAD, ScriptCall};
use crate::time::Timestamp;

/// How many jobs a queue has, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueStats {
    /// They wait for a worker. Jobs of items deleted since count until a worker passes them.
    pub waiting: u64,
    /// They wait for their time.
    pub delayed: u64,
    /// A worker holds them.
    pub running: u64,
    /// They failed for good.
    pub dead: u64,
}

/// A job that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeadJob {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// How many runs of it failed.
    pub attempts: u32,
    /// How often a worker stopped or froze while it ran it.
    pub crashes: u32,
    /// What the last failed run said.
    pub error: String,
    /// When it failed for good.
    pub died_at: Timestamp,
}

impl<T: Collection> Queue<T> {
    /// How many jobs there are, by state.
    ///
    /// One round trip, whose cost does not grow with the number of jobs.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn stats(&self) -> Result<QueueStats> {
        let count = |command, key: &str| Command::new(command).arg(key.to_owned());
        let commands = vec![
            count("LLEN", &self.keys.waiting),
            count("ZCARD", &self.keys.delayed),
            count("ZCARD", &self.keys.leased),
            count("ZCARD", &self.keys.dead),
        ];
        let replies = self
            .repo
            .store()
            .reader()
            .pipeline(commands)
            .await
            .map_err(|fault| fault.into_error("stats").at(self.keys.waiting.clone()))?;
        let counts: Vec<u64> = replies.iter().filter_map(Reply::as_u64).collect();
        match counts[..] {
            [waiting, delayed, running, dead] => Ok(QueueStats { waiting, delayed, running, dead }),
            _ => Err(unexpected("stats", &replies)),
        }
    }

    /// The jobs that failed for good, the last first. To run one once more, enqueue it; to forget it,
    /// [`discard`](crate::ItemTransformation::discard) it.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a limit that is not from 1 to 1,000; `WrongType`, `Unavailable`.
    pub async fn dead(&self, offset: usize, limit: usize) -> Result<Vec<DeadJob>> {
        const OPERATION: &str = "dead";
        if !(1..=1_000).contains(&limit) {
            let message = format!("limit must be from 1 to 1000, not {limit}");
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let call = ScriptCall::new(&DEAD)
            .key(self.keys.dead.clone())
            .arg(self.keys.item_prefix.clone())
            .arg(self.keys.record_suffix.clone())
            .int(offset as u64)
            .int(limit as u64);
        let mut verdict = self.write(OPERATION, "", call, Duration::ZERO).await?;
        verdict.array(OPERATION)?.into_iter().map(dead_job).collect()
    }
}

fn dead_job(job: Reply) -> Result<DeadJob> {
    let strange = || unexpected("dead", &"a job of another shape");
    let parts = job.into_array().ok_or_else(strange)?;
    let [id, job, attempts, crashes, error, at] = &parts[..] else { return Err(strange()) };
    let small = |reply: &Reply| reply.as_u64().and_then(|n| u32::try_from(n).ok());
    Ok(DeadJob {
        item: id.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(strange)?,
        job: job.as_text().ok_or_else(strange)?.to_owned(),
        attempts: small(attempts).ok_or_else(strange)?,
        crashes: small(crashes).ok_or_else(strange)?,
        error: error.as_text().ok_or_else(strange)?.to_owned(),
        died_at: Timestamp::from_millis(at.as_u64().ok_or_else(strange)?),
    })
}
