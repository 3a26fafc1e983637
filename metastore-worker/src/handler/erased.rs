//! `ErasedHandler`: a handler with its queue, without the type of its collection.

use std::sync::Arc;
use std::time::Duration;

use metastore::Store;
use metastore::queue::{Claim, Completion, CompletionOutcome, QueueSet, TakeOptions, WakeUp};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::call_state::CallState;
use super::context::States;
use super::hook::Hook;
use super::outcome::HandlerResult;
use crate::config::Config;
use crate::future::BoxFuture;

/// A job that this worker has claimed.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedJob {
    pub(crate) claim: Claim,
    /// How many runs have failed.
    pub(crate) attempts: u32,
    pub(crate) waited: Duration,
    /// Whether the server must know that the run begins before the handler starts.
    pub(crate) confirm_first: bool,
    pub(crate) trace: Option<String>,
}

/// One call of a handler, with one job or a batch of jobs.
pub(crate) struct HandlerCall {
    pub(crate) jobs: Vec<ClaimedJob>,
    pub(crate) timeout: Duration,
    /// Cancelled when the worker has lost the jobs or stops them.
    pub(crate) cancelled: CancellationToken,
    pub(crate) state: Arc<CallState>,
    /// Returns a result for each of the jobs.
    pub(crate) future: BoxFuture<'static, Vec<HandlerResult>>,
}

/// A job whose item does not decode.
pub(crate) struct UndecodableJob {
    pub(crate) job: ClaimedJob,
    pub(crate) message: String,
    /// Whether a newer program has written the item, which a newer worker can decode.
    pub(crate) is_newer: bool,
}

/// The calls for the jobs that were taken by one round trip.
pub(crate) struct TakenCalls {
    pub(crate) calls: Vec<HandlerCall>,
    pub(crate) undecodable: Vec<UndecodableJob>,
    /// How many more jobs can be taken at once.
    pub(crate) backlog: usize,
    pub(crate) due_in: Option<Duration>,
    /// Whether jobs wait until this worker runs nothing else.
    pub(crate) has_suspects: bool,
    /// Whether jobs were left to a newer version of this program.
    pub(crate) has_newer: bool,
}

/// The reply of one round trip that records completions and takes jobs.
pub(crate) struct HandlerExchange {
    /// The outcome of each completion.
    pub(crate) outcomes: Vec<metastore::Result<CompletionOutcome>>,
    pub(crate) taken: Option<metastore::Result<TakenCalls>>,
}

/// What the engine passes to each run.
#[derive(Clone)]
pub(crate) struct RunContext {
    pub(crate) states: States,
    pub(crate) hooks: Arc<[Hook]>,
    /// The runtime of the engine.
    pub(crate) runtime: Handle,
    /// Wakes the engine.
    pub(crate) wake: Arc<Notify>,
}

/// A handler with its queue.
pub(crate) trait ErasedHandler: Send + Sync {
    /// The label of the queue. It identifies the handler within the worker.
    fn label(&self) -> &Arc<str>;
    /// The most jobs of one call.
    fn batch_size(&self) -> usize;
    /// Why the handler cannot work; `None` if it can.
    fn check(&self) -> Option<String>;
    fn store(&self) -> &Store;
    /// Adds the queue to a set and returns its number there.
    fn add_to(&self, set: &mut QueueSet) -> usize;
    /// Subscribes to the notifications of the queue.
    fn wake_up<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, metastore::Result<WakeUp>>;
    /// Subscribes to the cancellations of jobs that this worker runs.
    fn cancellations<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, metastore::Result<WakeUp>>;
    /// Records completions and takes jobs, in one round trip.
    fn exchange<'a>(
        &'a self,
        completions: &'a [Completion],
        take: Option<&'a TakeOptions>,
        config: &'a Config,
        run_context: &'a RunContext,
    ) -> BoxFuture<'a, HandlerExchange>;
    /// The completion of a failed run: the job is retried after a delay, or it is dead.
    fn failure(
        &self,
        job: &ClaimedJob,
        message: String,
        is_fatal: bool,
        config: &Config,
    ) -> Completion;
}
