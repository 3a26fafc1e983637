//! Handler calls: start, end, timeout, abort.

use metastore::queue::Completion;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::event::LocalId;
use super::state::{Engine, LeasedJob, RunningCall};
use crate::handler::{ClaimedJob, FailureKind, HandlerCall, HandlerFailure, HandlerResult};
use crate::metrics;

impl Engine {
    pub(super) fn start_call(&mut self, index: usize, call: HandlerCall) {
        let HandlerCall { jobs, timeout, cancelled, future } = call;
        let call = self.next_id();
        let now = Instant::now();
        let mut ids = Vec::with_capacity(jobs.len());
        for job in jobs {
            metrics::job_started(self.queues[index].label(), &job);
            let id = self.next_id();
            let leased = LeasedJob {
                queue: index,
                job,
                call: Some(call),
                started_at: now,
                completed_at: None,
            };
            self.jobs.insert(id, leased);
            ids.push(id);
        }
        let abort = self.tasks.spawn(future);
        self.call_of_task.insert(abort.id(), call);
        let deadline = now + timeout;
        self.deadlines.insert((deadline, call));
        self.queues[index].running += 1;
        let running = RunningCall { queue: index, jobs: ids, deadline, timeout, cancelled, abort };
        self.calls.insert(call, running);
    }

    /// Holds a job that no handler runs until its completion is recorded.
    pub(super) fn complete_without_run(
        &mut self,
        index: usize,
        job: ClaimedJob,
        completion: Completion,
    ) {
        let id = self.next_id();
        let now = Instant::now();
        let leased =
            LeasedJob { queue: index, job, call: None, started_at: now, completed_at: Some(now) };
        self.jobs.insert(id, leased);
        self.queues[index].completions.push((id, completion));
    }

    /// Handles the end of the task of a handler call.
    pub(super) fn call_ended(
        &mut self,
        ended: Result<(tokio::task::Id, Vec<HandlerResult>), JoinError>,
    ) {
        let (task, results) = match ended {
            Ok((task, results)) => (task, Ok(results)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(call) = self.call_of_task.remove(&task) else { return };
        // The jobs of an aborted call are complete already.
        let Some(call) = self.remove_call(call) else { return };
        let results = results.unwrap_or_else(|error| {
            // Panics of handlers are caught, so this is the panic of a hook.
            vec![Err(HandlerFailure::panic(format!("a hook panicked: {error}"))); call.jobs.len()]
        });
        for (job, result) in call.jobs.into_iter().zip(results) {
            self.complete(job, result);
        }
    }

    /// Queues the completion of a job, unless the worker has lost the job.
    fn complete(&mut self, id: LocalId, result: HandlerResult) {
        let Some(leased) = self.jobs.get_mut(&id) else { return };
        leased.completed_at = Some(Instant::now());
        let queue = &mut self.queues[leased.queue];
        let completion = match result {
            Ok(json) => Completion::Success { claim: leased.job.claim.clone(), json },
            Err(HandlerFailure { message, kind }) => {
                let is_fatal = kind == FailureKind::Fatal;
                queue.handler.failure(&leased.job, message, is_fatal, &self.config)
            }
        };
        queue.completions.push((id, completion));
    }

    /// Aborts calls that have exceeded their time limit, and marks queues whose next job is due.
    pub(super) fn handle_deadlines(&mut self, now: Instant) {
        while let Some(&(deadline, call)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            let Some(call) = self.abort_call(call) else { break };
            let message = format!("timed out after {:?}", call.timeout);
            for job in call.jobs {
                self.complete(job, Err(HandlerFailure::retryable(message.clone())));
            }
        }
        for queue in &mut self.queues {
            if queue.due.is_some_and(|due| due <= now) {
                queue.set_may_have_jobs();
                queue.due = None;
            }
        }
    }

    /// Aborts a running call. The handler is dropped at its next `.await`. A handler that never
    /// reaches one keeps its thread, but no longer occupies a slot.
    pub(super) fn abort_call(&mut self, call: LocalId) -> Option<RunningCall> {
        let call = self.remove_call(call)?;
        call.cancelled.cancel();
        call.abort.abort();
        Some(call)
    }

    /// Aborts all running calls and releases their jobs.
    pub(super) fn release_all(&mut self) {
        let calls: Vec<LocalId> = self.calls.keys().copied().collect();
        for call in calls {
            let Some(call) = self.abort_call(call) else { continue };
            for id in call.jobs {
                let Some(leased) = self.jobs.get_mut(&id) else { continue };
                leased.completed_at = Some(Instant::now());
                let completion = Completion::Release { claim: leased.job.claim.clone() };
                self.queues[leased.queue].completions.push((id, completion));
            }
        }
    }

    fn remove_call(&mut self, id: LocalId) -> Option<RunningCall> {
        let call = self.calls.remove(&id)?;
        self.deadlines.remove(&(call.deadline, id));
        self.queues[call.queue].running -= 1;
        Some(call)
    }
}
