//! The outcomes of completions.

use std::time::Duration;

use metastore::queue::{Completion, CompletionOutcome};
use tokio::time::Instant;

use super::event::LocalId;
use super::state::Engine;
use crate::metrics;

/// The delay before recording a completion again.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// How long to retry recording a completion, at least; longer if the lease is longer.
const MIN_RETRY_TIME: Duration = Duration::from_secs(30);

impl Engine {
    /// Handles the outcome of recording a completion.
    pub(super) fn recorded(
        &mut self,
        index: usize,
        id: LocalId,
        completion: Completion,
        outcome: metastore::Result<CompletionOutcome>,
    ) {
        let Some(leased) = self.jobs.get(&id) else { return };
        let queue = &mut self.queues[index];
        self.stores[queue.store].are_gauges_outdated = true;
        let label = queue.handler.label();
        let job = leased.job.claim.job.as_str();
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
            Ok(_) => {
                tracing::warn!(job, queue = &**label, "the worker no longer holds the job");
                metrics::job_lost(label);
                self.report.lost += 1;
            }
            // The server may return while the lease is valid, or before another worker takes the
            // job.
            Err(error)
                if error.is_retryable()
                    && leased
                        .completed_at
                        .is_some_and(|at| at.elapsed() < self.config.lease.max(MIN_RETRY_TIME)) =>
            {
                queue.retry_at = Some(Instant::now() + RETRY_DELAY);
                queue.completions.push((id, completion));
                return;
            }
            Err(error) => {
                // The job returns to the queue when its lease expires.
                let queue = &**label;
                tracing::warn!(job, queue, %error, "cannot record the completion of a job");
                metrics::job_lost(label);
                self.report.lost += 1;
            }
        }
        self.jobs.remove(&id);
    }
}
