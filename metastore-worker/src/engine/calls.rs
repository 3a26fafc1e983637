//! Handler calls: start, end, timeout, abort.

use std::time::Duration;

use metastore::queue::Completion;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::state::{BlockingCall, Call, Engine, LeasedJob, Run};
use crate::handler::{ClaimedJob, FailureKind, HandlerCall, HandlerFailure, HandlerResult};
use crate::lease::{Lease, LocalId};
use crate::metrics;

impl Engine {
    /// Adds a call and collects the leases of its jobs. Returns its id if it can start without
    /// waiting for the confirmation of a job.
    pub(super) fn insert_call(
        &mut self,
        index: usize,
        call: HandlerCall,
        leases: &mut Vec<(LocalId, Lease)>,
    ) -> Option<LocalId> {
        let HandlerCall { jobs, timeout, cancelled, state, future } = call;
        let call = self.next_id();
        let (now, started_at) = (std::time::Instant::now(), Instant::now());
        let number = self.queues[index].number;
        let mut ids = Vec::with_capacity(jobs.len());
        let mut awaited = 0;
        for job in jobs {
            metrics::job_started(self.queues[index].label(), &job);
            let id = self.next_id();
            let is_awaited = job.confirm_first;
            awaited += usize::from(is_awaited);
            leases.push((id, Lease::of_run(number, job.claim.clone(), is_awaited, now)));
            let leased = LeasedJob {
                queue: index,
                job,
                call: Some(call),
                started_at,
                is_completed: false,
                is_awaited,
            };
            self.jobs.insert(id, leased);
            ids.push(id);
        }
        self.queues[index].running += 1;
        let run = Run::Awaiting { jobs: awaited, future };
        let added = Call { queue: index, jobs: ids, timeout, cancelled, state, run };
        self.calls.insert(call, added);
        (awaited == 0).then_some(call)
    }

    /// Starts a call that waits for nothing any more.
    pub(super) fn start_call(&mut self, id: LocalId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let deadline = Instant::now() + call.timeout;
        let Run::Awaiting { jobs: 0, future } = &mut call.run else { return };
        let future = std::mem::replace(future, Box::pin(async { Vec::new() }));
        let abort = self.tasks.spawn(async move { (id, future.await) });
        call.run = Run::Running { deadline, abort };
        self.deadlines.insert((deadline, id));
    }

    /// Holds a job that no handler runs until its completion is recorded; returns its lease.
    pub(super) fn complete_without_run(
        &mut self,
        index: usize,
        job: ClaimedJob,
        completion: Completion,
    ) -> (LocalId, Lease) {
        let id = self.next_id();
        let queue = &mut self.queues[index];
        let lease = Lease::of_completed(queue.number, job.claim.clone());
        queue.completions.push((id, completion));
        let started_at = Instant::now();
        let leased = LeasedJob {
            queue: index,
            job,
            call: None,
            started_at,
            is_completed: true,
            is_awaited: false,
        };
        self.jobs.insert(id, leased);
        (id, lease)
    }

    /// Handles the end of the task of a handler call.
    pub(super) fn call_ended(&mut self, ended: Result<(LocalId, Vec<HandlerResult>), JoinError>) {
        match ended {
            Ok((id, results)) => {
                // The jobs of an aborted call are complete already.
                if let Some(call) = self.remove_call(id) {
                    self.end_call(call, results);
                }
            }
            Err(error) => {
                let task = error.id();
                let has_task = |call: &Call| match &call.run {
                    Run::Running { abort, .. } => abort.id() == task,
                    Run::Awaiting { .. } => false,
                };
                let found = self.calls.iter().find(|(_, call)| has_task(call)).map(|(id, _)| *id);
                let Some(call) = found.and_then(|id| self.remove_call(id)) else { return };
                // Panics of handlers are caught, so this is the panic of a hook.
                let failure = HandlerFailure::panic(format!("a hook panicked: {error}"));
                let results = vec![Err(failure); call.jobs.len()];
                self.end_call(call, results);
            }
        }
    }

    /// Completes the jobs of a call that was removed, or keeps its slot and its jobs while blocking
    /// work continues.
    pub(super) fn end_call(&mut self, call: Call, results: Vec<HandlerResult>) {
        if call.state.is_blocking() {
            self.blocking.push(BlockingCall { call, results });
            return;
        }
        self.queues[call.queue].running -= 1;
        for (job, result) in call.jobs.into_iter().zip(results) {
            self.complete(job, result);
        }
    }

    /// Completes the calls whose blocking work has ended.
    pub(super) fn end_blocking_calls(&mut self) {
        let has_ended = |ended: &mut BlockingCall| !ended.call.state.is_blocking();
        let ended: Vec<BlockingCall> = self.blocking.extract_if(.., has_ended).collect();
        for BlockingCall { call, results } in ended {
            self.end_call(call, results);
        }
    }

    /// Queues the completion of a job, unless the worker has lost the job.
    fn complete(&mut self, id: LocalId, result: HandlerResult) {
        let Some(leased) = self.jobs.get_mut(&id) else { return };
        if std::mem::replace(&mut leased.is_completed, true) {
            return;
        }
        let queue = &mut self.queues[leased.queue];
        self.keeper.tables[queue.store].complete(id);
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
            let results = vec![Err(HandlerFailure::retryable(message)); call.jobs.len()];
            self.end_call(call, results);
        }
        for queue in &mut self.queues {
            if queue.due.is_some_and(|due| due <= now) {
                queue.set_may_have_jobs();
                queue.due = None;
            }
            queue.take_at = queue.take_at.filter(|at| *at > now);
            queue.retry_at = queue.retry_at.filter(|at| *at > now);
        }
    }

    /// Aborts a call. The handler is dropped at its next `.await`. A handler that never reaches one
    /// keeps its thread, but no longer occupies a slot.
    pub(super) fn abort_call(&mut self, call: LocalId) -> Option<Call> {
        let call = self.remove_call(call)?;
        call.cancelled.cancel();
        if let Run::Running { abort, .. } = &call.run {
            abort.abort();
        }
        Some(call)
    }

    /// Aborts all calls and releases their jobs.
    pub(super) fn release_all(&mut self) {
        let calls: Vec<LocalId> = self.calls.keys().copied().collect();
        let mut ended: Vec<Call> =
            calls.into_iter().filter_map(|call| self.abort_call(call)).collect();
        ended.extend(self.blocking.drain(..).map(|blocking| blocking.call));
        for call in ended {
            self.release_call(call);
        }
    }

    /// Releases the calls that wait for a confirmation.
    pub(super) fn release_awaiting(&mut self) {
        let is_awaiting = |call: &Call| matches!(call.run, Run::Awaiting { .. });
        let awaiting = self.calls.iter().filter(|(_, call)| is_awaiting(call));
        let awaiting: Vec<LocalId> = awaiting.map(|(id, _)| *id).collect();
        for id in awaiting {
            if let Some(call) = self.abort_call(id) {
                self.release_call(call);
            }
        }
    }

    /// Releases the jobs of a call that was removed.
    fn release_call(&mut self, call: Call) {
        self.queues[call.queue].running -= 1;
        for id in call.jobs {
            self.release(id);
        }
    }

    /// Queues the release of a job that is not complete.
    pub(super) fn release(&mut self, id: LocalId) {
        let Some(leased) = self.jobs.get_mut(&id) else { return };
        if std::mem::replace(&mut leased.is_completed, true) {
            return;
        }
        let queue = &mut self.queues[leased.queue];
        self.keeper.tables[queue.store].complete(id);
        let claim = leased.job.claim.clone();
        queue.completions.push((id, Completion::Release { claim, delay: Duration::ZERO }));
    }

    /// Removes a call. Its slot stays in use.
    fn remove_call(&mut self, id: LocalId) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        if let Run::Running { deadline, .. } = call.run {
            self.deadlines.remove(&(deadline, id));
        }
        Some(call)
    }
}
