//! How far a job is, and how it ends.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::{Claim, Queue, add_claim};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::job::status::Progress;
use crate::json::write_json;
use crate::redis::script::{FAIL, FINISH, PROGRESS, RELEASE, ScriptCall};
use crate::time::millis;

/// The longest error text that a job's record keeps, in bytes.
const MAX_ERROR_LEN: usize = 4_096;

/// How a run of a job ended, for [`Queue::exchange`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// With a result.
    Result {
        /// The hold on the job.
        claim: Claim,
        /// The result, from [`Queue::encode`].
        json: Bytes,
    },
    /// With a failure.
    Failure {
        /// The hold on the job.
        claim: Claim,
        /// What went wrong.
        message: String,
        /// How many runs failed under this claim: 1, unless they were repeated at once.
        runs: u32,
        /// When it runs again; `None` if it is dead.
        retry_in: Option<Duration>,
    },
    /// It was not run to an end; no attempt is counted.
    Release {
        /// The hold on the job.
        claim: Claim,
    },
}

impl End {
    /// The hold on the job.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        match self {
            Self::Result { claim, .. } | Self::Failure { claim, .. } | Self::Release { claim } => {
                claim
            }
        }
    }
}

/// What became of an [`End`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It is recorded.
    Recorded,
    /// Refused: the worker no longer holds the job. Nothing was stored.
    Refused,
    /// The item is gone, and the job with it.
    Gone,
}

impl<T: Document> Queue<T> {
    /// The JSON of a result, within the store's limits.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `TooDeep` or `Encode` for a result that cannot be stored.
    pub fn encode<R: Serialize>(&self, result: &R) -> Result<Bytes> {
        let mut json = Vec::with_capacity(256);
        write_json(&mut json, result, self.repo.store().limits(), "finish")?;
        Ok(json.into())
    }

    /// Stores the result of a job. False if the worker no longer holds it, and nothing was stored.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `TooDeep` or `Encode` for a result that cannot be stored; `OutOfMemory`,
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn finish<R: Serialize>(&self, claim: &Claim, result: &R) -> Result<bool> {
        let json = self.encode(result).map_err(|error| error.at(self.record(&claim.item)))?;
        self.end_one(End::Result { claim: claim.clone(), json }).await
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
        let message = message.to_owned();
        self.end_one(End::Failure { claim: claim.clone(), message, runs: 1, retry_in }).await
    }

    /// Records that a job failed for good after several runs under the same claim.
    pub(crate) async fn fail_runs(&self, claim: &Claim, message: &str, runs: u32) -> Result<bool> {
        let message = message.to_owned();
        self.end_one(End::Failure { claim: claim.clone(), message, runs, retry_in: None }).await
    }

    /// Gives jobs back that were not run to an end, without counting an attempt. Gives how many.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn release(&self, claims: &[Claim]) -> Result<u64> {
        let ends: Vec<End> =
            claims.iter().map(|claim| End::Release { claim: claim.clone() }).collect();
        let mut released = 0;
        for ended in self.exchange(&ends, None).await.ends {
            released += u64::from(ended? == Ended::Recorded);
        }
        Ok(released)
    }

    /// Notes how far a job is. False if the worker no longer holds it.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn progress(&self, claim: &Claim, progress: &Progress) -> Result<bool> {
        const OPERATION: &str = "progress";
        let mut json = Vec::with_capacity(128);
        write_json(&mut json, progress, self.repo.store().limits(), OPERATION)?;
        let call = ScriptCall::new(&PROGRESS)
            .key(self.record(&claim.item))
            .arg(claim.job.clone())
            .int(claim.fence)
            .arg(json);
        Ok(self.write(OPERATION, &claim.job, call, Duration::ZERO).await?.code == 1)
    }

    async fn end_one(&self, end: End) -> Result<bool> {
        match self.exchange(&[end], None).await.ends.pop() {
            Some(ended) => Ok(ended? == Ended::Recorded),
            None => Err(Error::new("finish", ErrorKind::Server("no verdict".to_owned()))),
        }
    }

    /// What all scripts that work on several items of the queue begin with.
    pub(super) fn begin(&self, call: ScriptCall) -> ScriptCall {
        let keys = &self.keys;
        call.keys(keys.all())
            .arg(keys.wake.clone())
            .arg(keys.item_prefix.clone())
            .arg(keys.record_suffix.clone())
    }

    pub(super) fn finish_call(&self) -> ScriptCall {
        let address = self.repo.address();
        let followers: Vec<_> = self.followers().map(|schema| address.queue(schema.name)).collect();
        let mut call = self
            .begin(ScriptCall::new(&FINISH))
            .keys(followers.iter().flat_map(|follower| follower.all()))
            .arg(self.keys.latest_suffix)
            .arg(self.repo.audit_pieces())
            .arg(self.keys.audit_prefix.clone())
            .arg(self.repo.actor_arg())
            .arg(self.schema.name)
            .arg(self.schema.result_ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default())
            .int(followers.len() as u64)
            .arg(address.index());
        for (follower, schema) in followers.into_iter().zip(self.followers()) {
            call = call.arg(follower.wake).arg(follower.record_suffix).arg(schema.name);
        }
        call
    }

    pub(super) fn add_result(&self, call: ScriptCall, claim: &Claim, json: Bytes) -> ScriptCall {
        let call = add_claim(call, claim).arg(json);
        let store = self.repo.store();
        self.followers().fold(call, |call, _| call.arg(store.new_ulid().to_string()))
    }

    /// The transformations that are requested when this one finishes.
    fn followers(&self) -> impl Iterator<Item = crate::schema::TransformationSchema> {
        let name = self.schema.name;
        T::SCHEMA.transformations.iter().copied().filter(move |other| other.after == Some(name))
    }

    pub(super) fn fail_call(
        &self,
        claim: &Claim,
        message: &str,
        runs: u32,
        retry_in: Option<Duration>,
    ) -> ScriptCall {
        let at = self.repo.address();
        let end = (0..=MAX_ERROR_LEN.min(message.len()))
            .rev()
            .find(|end| message.is_char_boundary(*end))
            .unwrap_or(0);
        let call = ScriptCall::new(&FAIL)
            .keys(self.keys.all())
            .key(self.record(&claim.item))
            .key(at.latest(&claim.item))
            .key(at.audit(&claim.item))
            .arg(self.keys.wake.clone());
        add_claim(call, claim)
            .arg(message[..end].to_owned())
            .arg(retry_in.map(|pause| millis(pause).to_string()).unwrap_or_default())
            .arg(self.repo.audit_arg(&claim.item))
            .arg(self.repo.actor_arg())
            .arg(self.schema.name)
            .int(runs.into())
    }

    pub(super) fn release_call(&self) -> ScriptCall {
        self.begin(ScriptCall::new(&RELEASE))
    }
}
