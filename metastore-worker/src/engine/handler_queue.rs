//! `HandlerQueue`: a handler and the state of its queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metastore::queue::Completion;
use tokio::time::Instant;

use crate::handler::ErasedHandler;
use crate::lease::LocalId;

/// The first delay before completions are recorded again after a failed attempt; it doubles.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// The longest of these delays.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// What the subscription of a queue sets.
#[derive(Debug, Default)]
pub(super) struct Notified {
    /// There may be jobs.
    pub(super) may_have_jobs: AtomicBool,
    /// The server has notified this worker, and no other one, of a job.
    pub(super) is_woken: AtomicBool,
}

/// A handler and the state of its queue.
pub(super) struct HandlerQueue {
    pub(super) handler: Arc<dyn ErasedHandler>,
    /// The index of the queue's store, and the number of the queue in the `QueueSet` of that store.
    pub(super) store: usize,
    pub(super) number: usize,
    /// Set by notifications and polls.
    pub(super) notified: Arc<Notified>,
    /// How many waiting jobs were last counted and have not been requested since.
    pub(super) backlog: usize,
    /// When the next delayed job or expired lease is due.
    pub(super) due: Option<Instant>,
    /// Completions that are not recorded yet.
    pub(super) completions: Vec<(LocalId, Completion)>,
    /// When to record completions again after a failed attempt, and the delay before that.
    pub(super) retry_at: Option<Instant>,
    retry_delay: Duration,
    /// The exchanges in flight, and the slots reserved for the jobs that they take.
    pub(super) in_flight: usize,
    pub(super) reserved: usize,
    /// The running calls of the handler.
    pub(super) running: usize,
    /// Whether the last attempt to take jobs failed; logged once, not at every poll.
    pub(super) is_failing: bool,
    /// The most slots of one take, after a take without a reply.
    pub(super) max_slots: Option<usize>,
    /// When to take again after a failed attempt.
    pub(super) take_at: Option<Instant>,
    /// Until when a request to run a job alone is ignored, because it could not be taken.
    pub(super) ignores_suspects_until: Option<Instant>,
    /// Whether it was logged that jobs, and items, are left to a newer version of the program.
    pub(super) has_logged_newer_jobs: bool,
    pub(super) has_logged_newer_items: bool,
}

impl HandlerQueue {
    pub(super) fn new(handler: Arc<dyn ErasedHandler>, store: usize, number: usize) -> Self {
        let queue = Self {
            handler,
            store,
            number,
            notified: Arc::default(),
            backlog: 0,
            due: None,
            completions: Vec::new(),
            retry_at: None,
            retry_delay: RETRY_DELAY,
            in_flight: 0,
            reserved: 0,
            running: 0,
            is_failing: false,
            max_slots: None,
            take_at: None,
            ignores_suspects_until: None,
            has_logged_newer_jobs: false,
            has_logged_newer_items: false,
        };
        queue.set_may_have_jobs();
        queue
    }

    pub(super) fn label(&self) -> &Arc<str> {
        self.handler.label()
    }

    pub(super) fn has_jobs(&self) -> bool {
        (self.backlog > 0 || self.notified.may_have_jobs.load(Ordering::Acquire))
            && self.take_at.is_none_or(|at| at <= Instant::now())
    }

    pub(super) fn set_may_have_jobs(&self) {
        self.notified.may_have_jobs.store(true, Ordering::Release);
    }

    /// The slots that are in use or reserved.
    pub(super) fn used_slots(&self) -> usize {
        self.running + self.reserved
    }

    /// Records completions again after a delay.
    pub(super) fn retry_later(&mut self) {
        if self.retry_at.is_none() {
            self.retry_at = Some(Instant::now() + self.retry_delay);
            self.retry_delay = (self.retry_delay * 2).min(MAX_RETRY_DELAY);
        }
    }

    /// Notes that a completion was recorded.
    pub(super) fn reset_retry(&mut self) {
        self.retry_delay = RETRY_DELAY;
    }
}
