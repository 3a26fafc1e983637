//! The outcomes of completions.

use metastore::ErrorKind;
use metastore::queue::{Completion, CompletionOutcome};

use super::state::Engine;
use crate::lease::LocalId;
use crate::metrics;

impl Engine {
    /// Handles the outcome of recording a completion. Returns false if it is recorded again later.
    pub(super) fn recorded(
        &mut self,
        index: usize,
        id: LocalId,
        completion: Completion,
        outcome: metastore::Result<CompletionOutcome>,
    ) -> bool {
        let Some(leased) = self.jobs.get(&id) else { return true };
        let queue = &mut self.queues[index];
        self.stores[queue.store].are_gauges_outdated = true;
        let job = leased.job.claim.job.as_str();
        if let Err(error) = &outcome
            && may_succeed_later(error)
        {
            // The lease is renewed meanwhile. If it is lost, the outcome will say so.
            let label = &**queue.label();
            tracing::debug!(job, queue = label, %error, "cannot record a completion yet");
            queue.retry_later();
            queue.completions.push((id, completion));
            return false;
        }
        queue.reset_retry();
        let label = queue.handler.label();
        let item = leased.job.claim.item.as_str();
        match outcome {
            Ok(CompletionOutcome::Recorded) => {
                metrics::job_completed(label, &completion, leased.started_at.elapsed());
                tracing::debug!(job, queue = &**label, "recorded the completion of a job");
                match completion {
                    Completion::Success { .. } => self.report.finished += 1,
                    Completion::Release { .. } => self.report.released += 1,
                    _ => self.report.failed += 1,
                }
            }
            Ok(CompletionOutcome::Cancelled | CompletionOutcome::Gone) => {
                let queue = &**label;
                tracing::info!(job, item, queue, "the job was cancelled, or its item is gone");
                metrics::job_cancelled(label);
                self.report.cancelled += 1;
            }
            Ok(_) => {
                tracing::warn!(job, item, queue = &**label, "the worker no longer holds the job");
                metrics::job_lost(label);
                self.report.lost += 1;
            }
            Err(error) => {
                // The job returns to the queue when its lease expires.
                let queue = &**label;
                tracing::warn!(job, item, queue, %error, "cannot record the completion of a job");
                metrics::job_lost(label);
                self.report.lost += 1;
            }
        }
        self.jobs.remove(&id);
        true
    }
}

/// Whether recording a completion may succeed later: the server is unavailable, is loading its
/// data, is a replica for now, or has no memory left.
fn may_succeed_later(error: &metastore::Error) -> bool {
    error.is_retryable() || matches!(error.kind(), ErrorKind::OutOfMemory(_))
}
