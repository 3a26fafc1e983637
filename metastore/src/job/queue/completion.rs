//! `Completion`: how a run of a job ended, and the script calls that record it.

use std::time::Duration;

use bytes::Bytes;

use super::claim::Claim;
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::redis::script::{COMPLETE, ScriptCall};
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
        /// The delay before the job can be taken again; zero puts it first in the queue.
        delay: Duration,
    },
}

impl Completion {
    /// The claim on the job.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        match self {
            Self::Success { claim, .. }
            | Self::Failure { claim, .. }
            | Self::Release { claim, .. } => claim,
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
    /// Nothing is stored: the job was cancelled.
    Cancelled,
}

/// The arguments of one completion.
const ARGS: usize = 6;

impl<T: Document> Queue<T> {
    /// The script call that records completions, without them.
    pub(super) fn complete_call(&self, completions: usize) -> ScriptCall {
        let count = self.followers().count() as u64;
        let args = ARGS * (1 + completions);
        self.begin(ScriptCall::with_capacity(&COMPLETE, (1, 128), (args, 400 * args / ARGS)))
            .audit(&self.repo.audit_context())
            .arg(self.schema.result_ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default())
            .int(count)
            .args(self.followers().map(|schema| schema.name))
    }

    /// Adds one completion to the script call.
    pub(super) fn add_completion(&self, call: ScriptCall, completion: &Completion) -> ScriptCall {
        let claim = completion.claim();
        let call = claim.add_to(call);
        let call = match completion {
            Completion::Success { json, .. } => match &claim.run {
                Some(run) => call.fmt(format_args!("s {}", run.created)).fmt(format_args!("{run}")),
                None => call.text("s ").text(""),
            }
            .document(json),
            Completion::Failure { message, runs, retry_in, .. } => {
                let call = match retry_in {
                    Some(delay) => call.fmt(format_args!("f {runs} {}", millis(*delay))),
                    None => call.fmt(format_args!("f {runs} ")),
                };
                call.text("").arg(error_json(message))
            }
            Completion::Release { delay, .. } => {
                call.fmt(format_args!("r {}", millis(*delay))).text("").text("")
            }
        };
        let is_success = matches!(completion, Completion::Success { .. });
        let store = self.repo.store();
        self.followers().fold(call, |call, _| {
            call.arg(if is_success { store.new_ulid().to_string() } else { String::new() })
        })
    }

    /// The transformations that are requested when this one finishes.
    fn followers(&self) -> impl Iterator<Item = TransformationSchema> {
        let name = self.schema.name;
        T::SCHEMA.transformations.iter().copied().filter(move |other| other.after == Some(name))
    }
}

/// An error message as JSON, at most [`MAX_ERROR_LEN`] bytes of it.
fn error_json(message: &str) -> String {
    let cut = MAX_ERROR_LEN.min(message.len());
    let end = (0..=cut).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    // A text is always valid JSON.
    serde_json::to_string(&message[..end]).unwrap_or_default()
}
