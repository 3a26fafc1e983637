//! The state of the engine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metastore::queue::{Completion, QueueSet};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::event::{BackgroundEvent, LocalId};
use super::maintenance_plan::MaintenancePlan;
use crate::collection::MaintainedCollection;
use crate::config::Config;
use crate::control::Control;
use crate::handler::{ClaimedJob, ErasedHandler, HandlerResult, RunContext};
use crate::report::Report;

/// When the worker stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    UntilStopped,
    UntilIdle,
}

/// A handler and the state of its queue.
pub(super) struct HandlerQueue {
    pub(super) handler: Arc<dyn ErasedHandler>,
    /// The index of the queue's store, and the number of the queue in the `QueueSet` of that store.
    pub(super) store: usize,
    pub(super) number: usize,
    /// Set by notifications and polls.
    pub(super) may_have_jobs: Arc<AtomicBool>,
    /// How many waiting jobs were last counted and have not been requested since.
    pub(super) backlog: usize,
    /// When the next delayed job or expired lease is due.
    pub(super) due: Option<Instant>,
    /// Completions that are not recorded yet.
    pub(super) completions: Vec<(LocalId, Completion)>,
    /// When to record completions again after a failed attempt.
    pub(super) retry_at: Option<Instant>,
    /// The exchanges in flight, and the slots reserved for the jobs that they take.
    pub(super) in_flight: usize,
    pub(super) reserved: usize,
    /// The running calls of the handler.
    pub(super) running: usize,
    /// Whether the last attempt to take jobs failed; logged once, not at every poll.
    pub(super) is_failing: bool,
}

/// A job that this worker holds, from taking it until its completion is recorded.
pub(super) struct LeasedJob {
    /// The index of its handler queue.
    pub(super) queue: usize,
    pub(super) job: ClaimedJob,
    /// The handler call that it is part of; `None` if no handler runs it.
    pub(super) call: Option<LocalId>,
    pub(super) started_at: Instant,
    pub(super) completed_at: Option<Instant>,
}

/// A running call of a handler.
pub(super) struct RunningCall {
    pub(super) queue: usize,
    pub(super) jobs: Vec<LocalId>,
    pub(super) deadline: Instant,
    pub(super) timeout: Duration,
    pub(super) cancelled: CancellationToken,
    pub(super) abort: AbortHandle,
}

/// The queues of one store.
pub(super) struct StoreQueues {
    pub(super) set: Arc<QueueSet>,
    /// The indexes of the handler queues, in the order of the set.
    pub(super) queues: Vec<usize>,
    pub(super) is_polling: bool,
    pub(super) is_renewing: bool,
    /// Whether the last poll found nothing to do.
    pub(super) is_idle: bool,
    /// Whether the gauges may have changed since the last poll, even if the queues are idle.
    pub(super) are_gauges_outdated: bool,
}

pub(crate) struct Engine {
    pub(super) queues: Vec<HandlerQueue>,
    pub(super) stores: Vec<StoreQueues>,
    pub(super) config: Arc<Config>,
    pub(super) run_context: RunContext,
    pub(super) control: Arc<Control>,
    pub(super) stop: CancellationToken,
    pub(super) mode: Mode,
    pub(super) jobs: HashMap<LocalId, LeasedJob>,
    pub(super) calls: HashMap<LocalId, RunningCall>,
    /// The running calls by their deadline.
    pub(super) deadlines: BTreeSet<(Instant, LocalId)>,
    pub(super) tasks: JoinSet<Vec<HandlerResult>>,
    pub(super) call_of_task: HashMap<tokio::task::Id, LocalId>,
    pub(super) background: JoinSet<BackgroundEvent>,
    last_id: LocalId,
    /// The handler queue that was first in the last dispatch; each queue is first in turn.
    pub(super) turn: usize,
    pub(super) report: Report,
    pub(super) maintenance: MaintenancePlan,
}

impl Engine {
    pub(crate) fn new(
        handlers: Vec<Arc<dyn ErasedHandler>>,
        collections: &[Arc<dyn MaintainedCollection>],
        config: Config,
        run_context: RunContext,
        control: Arc<Control>,
        stop: CancellationToken,
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
            run_context,
            control,
            stop,
            mode,
            jobs: HashMap::new(),
            calls: HashMap::new(),
            deadlines: BTreeSet::new(),
            tasks: JoinSet::new(),
            call_of_task: HashMap::new(),
            background: JoinSet::new(),
            last_id: 0,
            turn: 0,
            report: Report::default(),
            maintenance,
        }
    }

    pub(super) fn next_id(&mut self) -> LocalId {
        self.last_id += 1;
        self.last_id
    }

    /// Whether no job is held and no exchange is in flight.
    pub(super) fn is_drained(&self) -> bool {
        self.jobs.is_empty() && self.queues.iter().all(|queue| queue.in_flight == 0)
    }

    /// Whether a worker that runs until it is idle can stop.
    pub(super) fn is_done(&self) -> bool {
        self.mode == Mode::UntilIdle
            && self.is_drained()
            && self.stores.iter().all(|store| store.is_idle && !store.is_polling)
            && !self.maintenance.is_checking()
    }

    /// When the next delayed job, recording attempt or time limit is due.
    pub(super) fn next_deadline(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let due = self.queues.iter().filter_map(|queue| queue.due);
        let retries = self.queues.iter().filter_map(|queue| queue.retry_at);
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        due.chain(retries).chain(deadline).min().unwrap_or(far).min(far)
    }
}

impl HandlerQueue {
    fn new(handler: Arc<dyn ErasedHandler>, store: usize, number: usize) -> Self {
        Self {
            handler,
            store,
            number,
            may_have_jobs: Arc::new(AtomicBool::new(true)),
            backlog: 0,
            due: None,
            completions: Vec::new(),
            retry_at: None,
            in_flight: 0,
            reserved: 0,
            running: 0,
            is_failing: false,
        }
    }

    pub(super) fn label(&self) -> &Arc<str> {
        self.handler.label()
    }

    pub(super) fn has_jobs(&self) -> bool {
        self.backlog > 0 || self.may_have_jobs.load(Ordering::Acquire)
    }

    pub(super) fn set_may_have_jobs(&self) {
        self.may_have_jobs.store(true, Ordering::Release);
    }

    /// The slots that are in use or reserved.
    pub(super) fn used_slots(&self) -> usize {
        self.running + self.reserved
    }
}

impl StoreQueues {
    fn new(set: QueueSet, queues: Vec<usize>) -> Self {
        Self {
            set: Arc::new(set),
            queues,
            is_polling: false,
            is_renewing: false,
            is_idle: false,
            are_gauges_outdated: true,
        }
    }
}
