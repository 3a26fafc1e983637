//! Claiming the job of one item, to run it at once.

use std::time::Duration;

use super::claim::{Claim, counter};
use super::take::TakenJob;
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::document::envelope::not_an_envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::redis::command::{Reply, unexpected};
use crate::redis::script::{CLAIM, ScriptCall, code};
use crate::redis::write::retry::RetryPolicy;
use crate::time::millis;

const OPERATION: &str = "run";

impl<T: Document> Queue<T> {
    /// Claims the job of one item, whether it waits, is delayed or has an expired lease. If the
    /// item has no live job, a new one is requested and claimed. Returns `None` if the job is
    /// running.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Decode` if the item's key does not hold a document, `WrongType`, `OutOfMemory`,
    /// `Unavailable`.
    pub async fn claim(
        &self,
        id: &Id,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<TakenJob<T>>> {
        let at = self.repo.address();
        let job = self.repo.store().new_ulid().to_string();
        let call = self
            .begin(ScriptCall::new(&CLAIM))
            .arg(id.as_str().to_owned())
            .arg(job.clone())
            .int(millis(lease))
            .arg(worker.to_owned())
            .audit(&self.repo.audit_context());
        // Not repeated after a lost reply: the claim ends with its lease.
        let verdict = self.write(OPERATION, &job, call, RetryPolicy::NEVER).await?;
        match verdict.code {
            code::DONE => {}
            code::CONFLICT => return Ok(None),
            code::NOT_FOUND => {
                return Err(Error::new(OPERATION, ErrorKind::NotFound).at(at.latest(id)));
            }
            _ => return Err(Error::new(OPERATION, not_an_envelope()).at(at.latest(id))),
        }
        let malformed = || unexpected(OPERATION, &"a malformed job");
        let parts: Vec<Reply> = verdict.rest.collect();
        let [job, fence, attempts, crashes, Reply::Data(json)] = &parts[..] else {
            return Err(malformed());
        };
        let job = job.as_text().ok_or_else(malformed)?.to_owned();
        let claim = Claim::new(id.clone(), job, fence.as_u64().ok_or_else(malformed)?);
        Ok(Some(TakenJob {
            claim,
            attempts: counter(attempts).ok_or_else(malformed)?,
            crashes: counter(crashes).ok_or_else(malformed)?,
            confirm_first: false,
            timeout: None,
            trace: None,
            waited: Duration::ZERO,
            item: self.item(id, json),
        }))
    }
}
