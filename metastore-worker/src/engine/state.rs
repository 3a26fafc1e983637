//! The state of the engine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use metastore::queue::QueueSet;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::event::BackgroundEvent;
use super::handler_queue::HandlerQueue;
use super::maintenance_plan::MaintenancePlan;
use crate::collection::MaintainedCollection;
use crate::config::Config;
use crate::control::Control;
use crate::future::BoxFuture;
use crate::handler::{CallState, ClaimedJob, ErasedHandler, HandlerResult, RunContext};
use crate::lease::{LeaseKeeper, LocalId};
use crate::report::Report;

/// When the worker stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    UntilStopped,
    UntilIdle,
}

/// A job that this worker holds, from taking it until its completion is recorded.
pub(super) struct LeasedJob {
    /// The index of its handler queue.
    pub(super) queue: usize,
    pub(super) job: ClaimedJob,
    /// The handler call that it is part of; `None` if no handler runs it.
    pub(super) call: Option<LocalId>,
    pub(super) started_at: Instant,
    /// Whether its completion is to be recorded.
    pub(super) is_completed: bool,
    /// Whether its call waits for the confirmation of the job.
    pub(super) is_awaited: bool,
}

/// A call of a handler.
pub(super) struct Call {
    pub(super) queue: usize,
    pub(super) jobs: Vec<LocalId>,
    pub(super) timeout: Duration,
    pub(super) cancelled: CancellationToken,
    pub(super) state: Arc<CallState>,
    pub(super) run: Run,
}

pub(super) enum Run {
    /// It starts when so many of its jobs are confirmed.
    Awaiting {
        jobs: usize,
        future: BoxFuture<'static, Vec<HandlerResult>>,
    },
    Running {
        deadline: Instant,
        abort: AbortHandle,
    },
}

/// A call whose future has ended, but not the blocking work that it has started.
pub(super) struct BlockingCall {
    pub(super) call: Call,
    pub(super) results: Vec<HandlerResult>,
}

/// The queues of one store.
pub(super) struct StoreQueues {
    pub(super) set: Arc<QueueSet>,
    /// The indexes of the handler queues, in the order of the set.
    pub(super) queues: Vec<usize>,
    pub(super) is_polling: bool,
    /// Whether the last poll found nothing to do.
    pub(super) is_idle: bool,
    /// Whether the gauges may have changed since the last poll, even if the queues are idle.
    pub(super) are_gauges_outdated: bool,
}

/// The worker empties itself, or runs one job alone.
pub(super) struct Isolation {
    /// The index of the handler queue with the job.
    pub(super) queue: usize,
    /// Whether a take is in flight.
    pub(super) is_taking: bool,
    /// Whether a job was taken that runs alone, so that the worker does not wait for others.
    pub(super) runs_alone: bool,
    /// When to tell the server again that this worker is the one.
    pub(super) announce_at: Instant,
    pub(super) give_up_at: Instant,
}

impl Isolation {
    /// When there is something to do; `None` if a reply comes first.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let give_up_at = if self.runs_alone { self.announce_at } else { self.give_up_at };
        (!self.is_taking).then(|| self.announce_at.min(give_up_at))
    }
}

pub(crate) struct Engine {
    pub(super) queues: Vec<HandlerQueue>,
    pub(super) stores: Vec<StoreQueues>,
    pub(super) config: Arc<Config>,
    pub(super) run_context: Arc<RunContext>,
    pub(super) control: Arc<Control>,
    pub(super) keeper: LeaseKeeper,
    pub(super) stop: CancellationToken,
    pub(super) mode: Mode,
    pub(super) jobs: HashMap<LocalId, LeasedJob>,
    pub(super) calls: HashMap<LocalId, Call>,
    pub(super) blocking: Vec<BlockingCall>,
    /// The running calls by their deadline.
    pub(super) deadlines: BTreeSet<(Instant, LocalId)>,
    pub(super) tasks: JoinSet<(LocalId, Vec<HandlerResult>)>,
    pub(super) background: JoinSet<BackgroundEvent>,
    last_id: LocalId,
    /// The handler queue that was first in the last dispatch; each queue is first in turn.
    pub(super) turn: usize,
    /// Set while the worker runs jobs alone.
    pub(super) isolation: Option<Isolation>,
    pub(super) report: Report,
    /// The name under which the server notifies this engine.
    pub(super) channel: Arc<str>,
    pub(super) maintenance: MaintenancePlan,
}

impl Engine {
    pub(crate) fn new(
        handlers: Vec<Arc<dyn ErasedHandler>>,
        collections: &[Arc<dyn MaintainedCollection>],
        config: Config,
        run_context: RunContext,
        control: Arc<Control>,
        keeper: LeaseKeeper,
        mode: Mode,
    ) -> Self {
        let mut sets: Vec<(QueueSet, Vec<usize>)> =
            control.stores.iter().map(|store| (QueueSet::new(store), Vec::new())).collect();
        let handled: Vec<Arc<str>> =
            handlers.iter().map(|handler| handler.label().clone()).collect();
        let maintenance =
            MaintenancePlan::new(collections, &handled, &config, mode == Mode::UntilIdle);
        let mut queues = Vec::with_capacity(handlers.len());
        for (index, handler) in handlers.into_iter().enumerate() {
            let is_same = |store: &metastore::Store| store.is_same_as(handler.store());
            let store = control.stores.iter().position(is_same).unwrap_or(0);
            let number = handler.add_to(&mut sets[store].0);
            sets[store].1.push(index);
            queues.push(HandlerQueue::new(handler, store, number));
        }
        Self {
            queues,
            stores: sets.into_iter().map(|(set, queues)| StoreQueues::new(set, queues)).collect(),
            config: Arc::new(config),
            run_context: Arc::new(run_context),
            stop: control.stop.clone(),
            control,
            keeper,
            mode,
            jobs: HashMap::new(),
            calls: HashMap::new(),
            blocking: Vec::new(),
            deadlines: BTreeSet::new(),
            tasks: JoinSet::new(),
            background: JoinSet::new(),
            last_id: 0,
            turn: 0,
            isolation: None,
            report: Report::default(),
            channel: ulid::Ulid::generate().to_string().into(),
            maintenance,
        }
    }

    pub(super) fn next_id(&mut self) -> LocalId {
        self.last_id += 1;
        self.last_id
    }

    /// Whether no job is held, no call runs and no exchange is in flight.
    pub(super) fn is_drained(&self) -> bool {
        self.runs_nothing() && self.queues.iter().all(|queue| queue.in_flight == 0)
    }

    /// Whether no job is held, and no blocking work runs.
    pub(super) fn runs_nothing(&self) -> bool {
        self.jobs.is_empty() && self.blocking.is_empty()
    }

    /// Whether a worker that runs until it is idle can stop.
    pub(super) fn is_done(&self) -> bool {
        self.mode == Mode::UntilIdle
            && self.is_drained()
            && self.stores.iter().all(|store| store.is_idle && !store.is_polling)
            && !self.maintenance.is_checking()
    }

    /// When the next delayed job, recording attempt, time limit or other deadline is due.
    pub(super) fn next_deadline(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let due = self.queues.iter().filter_map(|queue| queue.due);
        let retries = self.queues.iter().filter_map(|queue| queue.retry_at);
        let takes = self.queues.iter().filter_map(|queue| queue.take_at);
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let isolation = self.isolation.as_ref().and_then(Isolation::next_time);
        let all = due.chain(retries).chain(takes).chain(deadline).chain(isolation);
        all.min().unwrap_or(far).min(far)
    }
}

impl StoreQueues {
    fn new(set: QueueSet, queues: Vec<usize>) -> Self {
        Self {
            set: Arc::new(set),
            queues,
            is_polling: false,
            is_idle: false,
            are_gauges_outdated: true,
        }
    }
}
