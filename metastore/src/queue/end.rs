//! How far a job is, and how it ends.

use std::time::Duration;

use serde::Serialize;

use super::{Claim, Queue, add_claim};
use crate::collection::Collection;
use crate::error::Result;
use crate::json::write_json;
use crate::redis::script::{FAIL, FINISH, PROGRESS, ScriptCall};
use crate::status::Progress;
use crate::time::millis;

/// The longest error text that a job's record keeps, in bytes.
const MAX_ERROR_LEN: usize = 4_096;

impl<T: Collection> Queue<T> {
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
            .key(self.repo.address().transformation(&claim.item, self.schema.name))
            .arg(claim.job.clone())
            .int(claim.fence)
            .arg(json);
        Ok(self.write(OPERATION, &claim.job, call, Duration::ZERO).await?.code == 1)
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
}
