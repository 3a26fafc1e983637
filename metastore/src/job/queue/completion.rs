//! `Completion`: how a run of a job ended, and the script calls that record it.

use std::time::Duration;

use bytes::Bytes;

use super::claim::Claim;
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::redis::script::{FAIL, FINISH, RELEASE, ScriptCall};
use crate::schema::TransformationSchema;
use crate::time::millis;

/// The most bytes of an error message in a job's record; a longer one is cut.
const MAX_ERROR_LEN: usize = 4_096;

/// The completion of a run, for [`Queue::exchange`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Completion {
    /// The run succeeded.
    Success {
        /// The claim on the job.
        claim: Claim,
        /// The result, encoded by [`Queue::encode`].
        json: Bytes,
    },
    /// The run failed.
    Failure {
        /// The claim on the job.
        claim: Claim,
        /// The error message; see [`failure_message`](super::failure_message). At most 4,096 bytes
        /// are stored.
        message: String,
        /// How many runs failed under this claim: 1, unless the runs were retried without releasing
        /// it.
        runs: u32,
        /// The delay before the next run; `None` if the job is dead.
        retry_in: Option<Duration>,
    },
    /// The run was not completed: the job goes back to the queue, and no attempt is counted.
    Release {
        /// The claim on the job.
        claim: Claim,
    },
}

impl Completion {
    /// The claim on the job.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        match self {
            Self::Success { claim, .. } | Self::Failure { claim, .. } | Self::Release { claim } => {
                claim
            }
        }
    }
}

/// The outcome of recording a [`Completion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompletionOutcome {
    /// The completion is recorded.
    Recorded,
    /// Nothing is stored: the worker no longer holds the job.
    Refused,
    /// Nothing is stored: the item no longer exists, and neither does the job.
    Gone,
}

impl<T: Document> Queue<T> {
    pub(super) fn finish_call(&self) -> ScriptCall {
        let address = self.repo.address();
        let followers: Vec<_> = self.followers().map(|schema| address.queue(schema.name)).collect();
        self.begin(ScriptCall::new(&FINISH))
            .keys(followers.iter().flat_map(|follower| follower.all()))
            .audit(&self.repo.audit_context())
            .arg(self.schema.result_ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default())
            .int(followers.len() as u64)
            .args(self.followers().map(|schema| schema.name))
    }

    pub(super) fn add_result(&self, call: ScriptCall, claim: &Claim, json: Bytes) -> ScriptCall {
        let call = claim.add_to(call).arg(json);
        let store = self.repo.store();
        self.followers().fold(call, |call, _| call.arg(store.new_ulid().to_string()))
    }

    /// The transformations that are requested when this one finishes.
    fn followers(&self) -> impl Iterator<Item = TransformationSchema> {
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
        let len = (0..=MAX_ERROR_LEN.min(message.len()))
            .rev()
            .find(|len| message.is_char_boundary(*len))
            .unwrap_or(0);
        let call = ScriptCall::new(&FAIL)
            .keys(self.keys.all())
            .key(self.record(&claim.item))
            .key(at.latest(&claim.item))
            .key(at.audit(&claim.item));
        claim
            .add_to(self.names(call))
            .arg(message[..len].to_owned())
            .arg(retry_in.map(|delay| millis(delay).to_string()).unwrap_or_default())
            .int(runs.into())
            .audit(&self.repo.audit_context())
    }

    pub(super) fn release_call(&self) -> ScriptCall {
        self.begin(ScriptCall::new(&RELEASE))
    }
}
