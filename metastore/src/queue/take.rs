//! Taking jobs.

use std::time::Duration;

use super::{Claim, Queue};
use crate::collection::Collection;
use crate::envelope;
use crate::error::Result;
use crate::item::Item;
use crate::key::Id;
use crate::redis::command::{Reply, unexpected};
use crate::redis::script::{ScriptCall, TAKE};
use crate::time::millis;

/// A job that was taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct Taken<T> {
    /// The hold on it.
    pub claim: Claim,
    /// How many runs of it have failed.
    pub attempts: u32,
    /// How often a worker stopped or froze while it ran it.
    pub crashes: u32,
    /// The current version of the item, or why it does not decode.
    pub item: Result<Item<T>>,
}

/// What a worker took at once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Haul<T> {
    /// The jobs.
    pub jobs: Vec<Taken<T>>,
    /// How many are left waiting.
    pub waiting: u64,
    /// How long until a delayed job or an expired lease is next due.
    pub due_in: Option<Duration>,
}

/// How many jobs to take, and on which terms.
#[derive(Clone, Debug)]
pub struct TakeOptions {
    /// At most this many.
    pub count: usize,
    /// How long the claim holds without being renewed.
    pub lease: Duration,
    /// Who takes them; kept in the job's record.
    pub worker: String,
    /// After how many crashes a job is dead.
    pub max_crashes: u32,
}

impl<T: Collection> Queue<T> {
    /// Takes jobs with their documents, after bringing back those whose time has come and those
    /// whose worker is gone.
    ///
    /// If the reply is lost, the jobs come back when the lease ends.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutOfMemory`, `WrongType`.
    pub async fn take(&self, options: &TakeOptions) -> Result<Haul<T>> {
        const OPERATION: &str = "take";
        let call = ScriptCall::new(&TAKE)
            .key(self.keys.waiting.clone())
            .key(self.keys.delayed.clone())
            .key(self.keys.leased.clone())
            .key(self.keys.dead.clone())
            .arg(self.keys.item_prefix.clone())
            .arg(self.keys.record_suffix.clone())
            .arg(self.keys.latest_suffix)
            .int(options.count as u64)
            .int(millis(options.lease))
            .arg(options.worker.clone())
            .int(options.max_crashes.into());
        // Sent once: a repetition would take further jobs, not find out about the first ones.
        let mut verdict = self.write(OPERATION, &options.worker, call, Duration::ZERO).await?;
        let jobs = verdict.array(OPERATION)?;
        let jobs = jobs.into_iter().map(|job| self.taken(job)).collect::<Result<_>>()?;
        let waiting = verdict.number(OPERATION)?;
        let due_in = match verdict.rest.next() {
            Some(Reply::Int(due)) => u64::try_from(due).ok().map(Duration::from_millis),
            other => return Err(unexpected(OPERATION, &other)),
        };
        Ok(Haul { jobs, waiting, due_in })
    }

    fn taken(&self, job: Reply) -> Result<Taken<T>> {
        const OPERATION: &str = "take";
        let strange = || unexpected(OPERATION, &"a job of another shape");
        let mut parts = job.into_array().ok_or_else(strange)?.into_iter();
        let mut next = || parts.next().ok_or_else(strange);
        let (item, job, fence, attempts, crashes, json) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let small = |reply: &Reply| reply.as_u64().and_then(|n| u32::try_from(n).ok());
        let id = item.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(strange)?;
        let key = self.repo.address().latest(&id);
        let json = json.into_data().ok_or_else(strange)?;
        Ok(Taken {
            claim: Claim {
                item: id,
                job: job.as_text().ok_or_else(strange)?.to_owned(),
                fence: fence.as_u64().ok_or_else(strange)?,
            },
            attempts: small(&attempts).ok_or_else(strange)?,
            crashes: small(&crashes).ok_or_else(strange)?,
            item: envelope::decode(&json, &key, OPERATION),
        })
    }
}
