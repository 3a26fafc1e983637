//! Completing jobs one by one, and reporting their progress.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::claim::Claim;
use super::completion::{Completion, CompletionOutcome};
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::Result;
use crate::job::status::Progress;
use crate::json::write_json;
use crate::redis::script::{PROGRESS, ScriptCall, code};
use crate::redis::write::empty_reply;
use crate::redis::write::retry::RetryPolicy;

impl<T: Document> Queue<T> {
    /// Encodes a result as JSON, within the limits of the store.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `TooDeep` or `Encode` for a result that cannot be stored.
    pub fn encode<R: Serialize>(&self, result: &R) -> Result<Bytes> {
        let mut json = Vec::with_capacity(256);
        write_json(&mut json, result, self.repo.limits(), "finish")?;
        Ok(json.into())
    }

    /// Stores the result of a job. Returns false if nothing is stored, because the worker no longer
    /// holds the job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `TooDeep` or `Encode` for a result that cannot be stored; `OutOfMemory`,
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn finish<R: Serialize>(&self, claim: &Claim, result: &R) -> Result<bool> {
        let json = self.encode(result).map_err(|error| error.at(self.record(&claim.item)))?;
        self.complete(Completion::Success { claim: claim.clone(), json }).await
    }

    /// Records that a run failed. The job runs again after `retry_in`; with `None` it is dead.
    /// Returns false if nothing is recorded, because the worker no longer holds the job.
    ///
    /// One round trip.
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
        self.complete(Completion::Failure { claim: claim.clone(), message, runs: 1, retry_in })
            .await
    }

    /// Records that a job is dead after several failed runs under the same claim.
    pub(crate) async fn fail_runs(&self, claim: &Claim, message: &str, runs: u32) -> Result<bool> {
        let (claim, message) = (claim.clone(), message.to_owned());
        self.complete(Completion::Failure { claim, message, runs, retry_in: None }).await
    }

    /// Returns jobs to the queue whose run was not completed, without counting an attempt. Returns
    /// the number of released jobs; a job that the worker no longer holds does not count.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn release(&self, claims: &[Claim]) -> Result<u64> {
        let release =
            |claim: &Claim| Completion::Release { claim: claim.clone(), delay: Duration::ZERO };
        let completions: Vec<Completion> = claims.iter().map(release).collect();
        let mut released = 0;
        for outcome in self.exchange(&completions, None).await.outcomes {
            released += u64::from(outcome? == CompletionOutcome::Recorded);
        }
        Ok(released)
    }

    /// Stores the progress of a job. Returns false if the worker no longer holds the job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn progress(&self, claim: &Claim, progress: &Progress) -> Result<bool> {
        const OPERATION: &str = "progress";
        let mut json = Vec::with_capacity(128);
        write_json(&mut json, progress, self.repo.limits(), OPERATION)?;
        let call = self
            .begin(ScriptCall::new(&PROGRESS))
            .arg(claim.item.as_str().to_owned())
            .arg(claim.job.clone())
            .int(claim.fence)
            .arg(json);
        Ok(self.write(OPERATION, &claim.job, call, RetryPolicy::NEVER).await?.code == code::DONE)
    }

    async fn complete(&self, completion: Completion) -> Result<bool> {
        let outcome = self.exchange(&[completion], None).await.outcomes.pop();
        let outcome = outcome.unwrap_or_else(|| Err(empty_reply("finish")));
        Ok(outcome? == CompletionOutcome::Recorded)
    }
}
