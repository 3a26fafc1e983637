//! The queue of one transformation, as a worker sees it: take, renew, finish, fail, release.
//!
//! Linked into services by `metastore-worker`; use this module only to write another worker. Each
//! call is one round trip, and each but `take` can be repeated safely: the fence tells whether the
//! worker still holds the job.

use std::time::Duration;

use serde::Serialize;

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::json::write_json;
use crate::key::{Id, TransformationKeys};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::commit::{Commit, WriteSet};
use crate::redis::pubsub::Subscription;
use crate::redis::script::{FAIL, FINISH, RELEASE, RENEW, ScriptCall, TAKE};
use crate::repo::Repo;
use crate::schema::TransformationSchema;
use crate::time::millis;
use crate::transformation::Transformation;

/// The longest error text that a job's record keeps, in bytes.
const MAX_ERROR_LEN: usize = 4_096;

/// The queue of one transformation of one collection.
pub struct Queue<T> {
    repo: Repo<T>,
    schema: TransformationSchema,
    keys: TransformationKeys,
}

/// A worker's hold on a job. It ends with the lease, and an old one is refused by its fence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// Grows each time that the job is taken.
    pub fence: u64,
}

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

/// Tells when the queue may have something new.
pub struct WakeUp(Subscription);

impl WakeUp {
    /// Returns when it is time to look. Cancel-safe.
    pub async fn notified(&mut self) {
        self.0.changed().await;
    }
}

impl<T: Collection> Queue<T> {
    /// The queue of a transformation; no round trip.
    #[must_use]
    pub fn new<R>(repo: &Repo<T>, transformation: Transformation<T, R>) -> Self {
        let schema = transformation.schema();
        Self { keys: repo.address().queue(schema.name), repo: repo.clone(), schema }
    }

    /// The transformation's name, timeout and retries.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }

    /// The collection.
    #[must_use]
    pub fn repo(&self) -> &Repo<T> {
        &self.repo
    }

    /// Subscribes to the wake-up call that is published when the queue turns from empty to not empty.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn wake_up(&self) -> Result<WakeUp> {
        self.repo.store().subscribe(self.keys.wake.clone()).await.map(WakeUp)
    }

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

    /// Prolongs claims; gives for each whether the worker still holds it.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn renew(&self, claims: &[Claim], lease: Duration) -> Result<Vec<bool>> {
        const OPERATION: &str = "renew";
        let call = ScriptCall::new(&RENEW)
            .key(self.keys.leased.clone())
            .arg(self.keys.item_prefix.clone())
            .arg(self.keys.record_suffix.clone())
            .int(millis(lease));
        let call = claims.iter().fold(call, add_claim);
        // A renewal that takes longer than the lease is of no use.
        let mut verdict = self.write(OPERATION, "", call, lease).await?;
        Ok(verdict.array(OPERATION)?.iter().map(|held| *held == Reply::Int(1)).collect())
    }

    /// Stores the result of a job. False if the worker no longer holds it, and nothing was stored.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `TooDeep` or `Encode` for a result that cannot be stored; `OutOfMemory`,
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn finish<R: Serialize>(&self, claim: &Claim, result: &R) -> Result<bool> {
        const OPERATION: &str = "finish";
        let at = self.repo.address();
        let mut json = Vec::with_capacity(256);
        write_json(&mut json, result, self.repo.store().limits(), OPERATION)
            .map_err(|error| error.at(at.transformation(&claim.item, self.schema.name)))?;
        let call = ScriptCall::new(&FINISH)
            .key(at.transformation(&claim.item, self.schema.name))
            .key(self.keys.waiting.clone())
            .key(self.keys.leased.clone())
            .key(at.latest(&claim.item))
            .key(at.audit(&claim.item));
        let call = add_claim(call, claim)
            .arg(json)
            .arg(self.keys.wake.clone())
            .arg(self.repo.audit_arg())
            .arg(self.repo.actor_arg())
            .arg(self.schema.name);
        let patience = self.repo.store().settings().outcome_timeout;
        Ok(self.write(OPERATION, &claim.job, call, patience).await?.code == 1)
    }

    /// Records that a run failed: it is repeated after `retry_in`, or the job is dead. False if the
    /// worker no longer holds the job.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`, `OutOfMemory`.
    pub async fn fail(
        &self,
        claim: &Claim,
        message: &str,
        retry_in: Option<Duration>,
    ) -> Result<bool> {
        let at = self.repo.address();
        let end = (0..=MAX_ERROR_LEN.min(message.len()))
            .rev()
            .find(|end| message.is_char_boundary(*end))
            .unwrap_or(0);
        let call = ScriptCall::new(&FAIL)
            .key(at.transformation(&claim.item, self.schema.name))
            .key(self.keys.waiting.clone())
            .key(self.keys.leased.clone())
            .key(self.keys.delayed.clone())
            .key(self.keys.dead.clone())
            .key(at.latest(&claim.item))
            .key(at.audit(&claim.item));
        let call = add_claim(call, claim)
            .arg(message[..end].to_owned())
            .arg(retry_in.map(|pause| millis(pause).to_string()).unwrap_or_default())
            .arg(self.keys.wake.clone())
            .arg(self.repo.audit_arg())
            .arg(self.repo.actor_arg())
            .arg(self.schema.name);
        let patience = self.repo.store().settings().outcome_timeout;
        Ok(self.write("fail", &claim.job, call, patience).await?.code == 1)
    }

    /// Gives jobs back that were not run to an end, without counting an attempt. Gives how many.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn release(&self, claims: &[Claim]) -> Result<u64> {
        let call = ScriptCall::new(&RELEASE)
            .key(self.keys.waiting.clone())
            .key(self.keys.leased.clone())
            .arg(self.keys.item_prefix.clone())
            .arg(self.keys.record_suffix.clone())
            .arg(self.keys.wake.clone());
        let call = claims.iter().fold(call, add_claim);
        let patience = self.repo.store().settings().outcome_timeout;
        self.write("release", "", call, patience).await?.number("release")
    }

    async fn write(
        &self,
        operation: &'static str,
        id: &str,
        call: ScriptCall,
        patience: Duration,
    ) -> Result<Verdict> {
        let sent = Commit { operation, id, writes: WriteSet::Conditional(call), patience };
        let writer = self.repo.store().writer();
        let reply =
            writer.commit(sent).await.map_err(|error| error.at(self.keys.waiting.clone()))?;
        let reply = reply
            .ok_or_else(|| Error::new(operation, ErrorKind::Server("no verdict".to_owned())))?;
        Verdict::from_reply(reply, operation)
    }
}

fn add_claim(call: ScriptCall, claim: &Claim) -> ScriptCall {
    call.arg(claim.item.as_str().to_owned()).arg(claim.job.clone()).int(claim.fence)
}
