//! Keeping jobs, and giving them back.

use std::time::Duration;

use super::{Claim, Queue, add_claim};
use crate::collection::Collection;
use crate::error::Result;
use crate::redis::command::Reply;
use crate::redis::script::{RELEASE, RENEW, ScriptCall};
use crate::time::millis;

impl<T: Collection> Queue<T> {
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
}
