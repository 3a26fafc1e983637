//! `TypedHandler`: a handler with its queue and the type of its collection.

use std::sync::Arc;
use std::time::Duration;

use metastore::queue::{Claim, Completion, Queue, QueueSet, TakeOptions, TakenJob, WakeUp};
use metastore::{Collection, ErrorKind, Item, Progress, Store};
use tokio_util::sync::CancellationToken;

use super::call_state::CallState;
use super::context::JobContext;
use super::erased::{
    ClaimedJob, ErasedHandler, HandlerCall, HandlerExchange, RunContext, TakenCalls, UndecodableJob,
};
use super::function::HandlerFn;
use super::progress::{Note, ProgressSink, Reporter};
use crate::backoff;
use crate::config::Config;
use crate::future::BoxFuture;
use crate::label::queue_label;

pub(crate) struct TypedHandler<T> {
    label: Arc<str>,
    queue: Arc<Queue<T>>,
    sink: Arc<dyn ProgressSink>,
    function: HandlerFn<T>,
    batch_size: usize,
}

/// A taken job whose item has been decoded.
struct ReadyJob<T> {
    job: ClaimedJob,
    item: Item<T>,
    crashes: u32,
    timeout: Option<Duration>,
}

impl<T: Collection> TypedHandler<T> {
    pub(crate) fn new(queue: Queue<T>, function: HandlerFn<T>, batch_size: usize) -> Self {
        let label = queue_label(&queue).into();
        let queue = Arc::new(queue);
        let sink = Arc::new(QueueSink(queue.clone()));
        Self { label, queue, sink, function, batch_size }
    }

    /// Groups taken jobs into calls of the handler.
    fn calls(
        &self,
        taken: Vec<TakenJob<T>>,
        config: &Config,
        run_context: &RunContext,
    ) -> (Vec<HandlerCall>, Vec<UndecodableJob>) {
        let (ready, undecodable) = split(taken);
        let default_timeout = self.queue.schema().timeout.unwrap_or(config.job_timeout);
        let mut calls = Vec::with_capacity(ready.len().div_ceil(self.batch_size));
        let mut ready = ready.into_iter();
        loop {
            let size = ready.len().min(self.batch_size);
            if size == 0 {
                return (calls, undecodable);
            }
            let cancelled = CancellationToken::new();
            let state = CallState::new(run_context.wake.clone());
            let mut items = Vec::with_capacity(size);
            let mut contexts = Vec::with_capacity(size);
            let mut jobs = Vec::with_capacity(size);
            let mut longest = Duration::ZERO;
            for ReadyJob { job, item, crashes, timeout } in ready.by_ref().take(size) {
                longest = longest.max(timeout.unwrap_or(default_timeout));
                contexts.push(self.context(&job, crashes, &cancelled, &state, run_context));
                items.push(item);
                jobs.push(job);
            }
            let future = (self.function)(items, contexts, run_context.hooks.clone());
            calls.push(HandlerCall { jobs, timeout: longest, cancelled, state, future });
        }
    }

    fn context(
        &self,
        job: &ClaimedJob,
        crashes: u32,
        cancelled: &CancellationToken,
        call: &Arc<CallState>,
        run_context: &RunContext,
    ) -> JobContext {
        JobContext {
            id: job.claim.job.clone(),
            item: job.claim.item.clone(),
            queue: self.label.clone(),
            attempt: job.attempts.saturating_add(1),
            crashes,
            fence: job.claim.fence,
            waited: job.waited,
            trace: job.trace.clone(),
            cancelled: cancelled.clone(),
            states: run_context.states.clone(),
            reporter: Arc::new(Reporter::new(self.sink.clone(), run_context.runtime.clone())),
            call: call.clone(),
        }
    }
}

/// Separates the jobs whose item decodes from the others.
fn split<T>(taken: Vec<TakenJob<T>>) -> (Vec<ReadyJob<T>>, Vec<UndecodableJob>) {
    let (mut ready, mut undecodable) = (Vec::with_capacity(taken.len()), Vec::new());
    for taken in taken {
        let TakenJob {
            claim, attempts, crashes, timeout, trace, waited, item, confirm_first, ..
        } = taken;
        let job = ClaimedJob { claim, attempts, waited, confirm_first, trace };
        match item {
            Ok(item) => ready.push(ReadyJob { job, item, crashes, timeout }),
            // Another attempt reads the same bytes; only a worker with a newer schema can decode
            // them.
            Err(error) => {
                let is_newer = matches!(error.kind(), ErrorKind::NewerSchema { .. });
                undecodable.push(UndecodableJob { job, message: error.to_string(), is_newer });
            }
        }
    }
    (ready, undecodable)
}

/// Stores progress in a queue.
struct QueueSink<T>(Arc<Queue<T>>);

impl<T: Collection> ProgressSink for QueueSink<T> {
    fn store(&self, claim: Claim, note: Note) -> BoxFuture<'static, ()> {
        let queue = self.0.clone();
        Box::pin(async move {
            let now = queue.repo().store().now();
            let progress = Progress::new(note.fraction, note.message, now);
            if let Err(error) = queue.progress(&claim, &progress).await {
                tracing::debug!(job = claim.job, %error, "cannot store the progress of a job");
            }
        })
    }
}

impl<T: Collection> ErasedHandler for TypedHandler<T> {
    fn label(&self) -> &Arc<str> {
        &self.label
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn check(&self) -> Option<String> {
        let label = &self.label;
        if self.queue.schema().inline {
            return Some(format!(
                "{label} is declared with `mode = inline`, so no job is queued; remove the handler"
            ));
        }
        (!(1..=256).contains(&self.batch_size))
            .then(|| format!("the batch size of {label} must be from 1 to 256"))
    }

    fn store(&self) -> &Store {
        self.queue.repo().store()
    }

    fn add_to(&self, set: &mut QueueSet) -> usize {
        set.add(&self.queue)
    }

    fn wake_up<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, metastore::Result<WakeUp>> {
        Box::pin(async move {
            if !self.queue.may_publish().await? {
                tracing::warn!(
                    queue = &*self.label,
                    "the user may not publish: jobs are found only by polling, and waiting callers \
                     learn of results late; grant the user access to the channels"
                );
            }
            self.queue.wake_up(channel).await
        })
    }

    fn cancellations<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, metastore::Result<WakeUp>> {
        Box::pin(self.queue.cancellations(channel))
    }

    fn exchange<'a>(
        &'a self,
        completions: &'a [Completion],
        take: Option<&'a TakeOptions>,
        config: &'a Config,
        run_context: &'a RunContext,
    ) -> BoxFuture<'a, HandlerExchange> {
        Box::pin(async move {
            let exchange = self.queue.exchange(completions, take).await;
            let taken = exchange.taken.map(|taken| {
                taken.map(|taken| {
                    let (calls, undecodable) = self.calls(taken.jobs, config, run_context);
                    // Jobs that the limits of the queue hold back cannot be taken now.
                    let waiting = usize::try_from(taken.waiting).unwrap_or(usize::MAX);
                    let backlog = if taken.ready { waiting } else { 0 };
                    TakenCalls {
                        calls,
                        undecodable,
                        backlog,
                        due_in: taken.due_in,
                        has_suspects: taken.suspects > 0,
                        has_newer: taken.newer > 0,
                    }
                })
            });
            HandlerExchange { outcomes: exchange.outcomes, taken }
        })
    }

    fn failure(
        &self,
        job: &ClaimedJob,
        message: String,
        is_fatal: bool,
        config: &Config,
    ) -> Completion {
        let schema = self.queue.schema();
        let attempt = job.attempts.saturating_add(1);
        let is_retried = !is_fatal && attempt <= schema.retries.unwrap_or(config.max_retries);
        let base = schema.retry_delay.unwrap_or(config.retry_delay);
        let base = if config.fast_forward { Duration::ZERO } else { base };
        let retry_in = is_retried.then(|| backoff::delay(base, attempt));
        tracing::warn!(
            job = job.claim.job,
            item = job.claim.item.as_str(),
            queue = &*self.label,
            attempt,
            trace = job.trace,
            error = message,
            ?retry_in,
            "a run of a job failed"
        );
        Completion::Failure { claim: job.claim.clone(), message, runs: 1, retry_in }
    }
}
