//! `Control`: the state that the engine shares with its `RunningWorker`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metastore::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError};
use crate::handler::ErasedHandler;
use crate::report::Report;

/// The settings that can be changed while the worker runs, and the status of its engine.
pub(crate) struct Control {
    concurrency: AtomicUsize,
    /// The most concurrent jobs of each handler; `usize::MAX` for no limit of its own.
    limits: Vec<AtomicUsize>,
    labels: Vec<Arc<str>>,
    /// The stores of the handlers, without duplicates.
    pub(crate) stores: Vec<Store>,
    pub(crate) poll_interval: Duration,
    /// Wakes the engine.
    pub(crate) wake: Arc<Notify>,
    /// Cancelled when the worker is to stop.
    pub(crate) stop: CancellationToken,
    status: Mutex<Status>,
}

/// The status of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) report: Report,
    /// When the event loop last ran.
    pub(crate) heartbeat: Instant,
    /// For each store, the time of its last reply and the error since then.
    pub(crate) contacts: Vec<(Instant, Option<String>)>,
    /// For each handler, whether the subscription to its queue has failed.
    pub(crate) disconnected: Vec<bool>,
    /// For each handler, the most jobs that it takes at once after a reply was lost.
    pub(crate) reduced: Vec<Option<usize>>,
}

impl Control {
    pub(crate) fn new(
        handlers: &[Arc<dyn ErasedHandler>],
        limits: Vec<Option<usize>>,
        config: &Config,
    ) -> Self {
        let mut stores: Vec<Store> = Vec::new();
        for handler in handlers {
            if !stores.iter().any(|store| store.is_same_as(handler.store())) {
                stores.push(handler.store().clone());
            }
        }
        let now = Instant::now();
        Self {
            concurrency: AtomicUsize::new(config.concurrency),
            limits: limits
                .into_iter()
                .map(|limit| AtomicUsize::new(limit.unwrap_or(usize::MAX)))
                .collect(),
            labels: handlers.iter().map(|handler| handler.label().clone()).collect(),
            poll_interval: config.poll_interval,
            wake: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
            status: Mutex::new(Status {
                report: Report::default(),
                heartbeat: now,
                contacts: vec![(now, None); stores.len()],
                disconnected: vec![false; handlers.len()],
                reduced: vec![None; handlers.len()],
            }),
            stores,
        }
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.load(Ordering::Relaxed)
    }

    pub(crate) fn set_concurrency(&self, jobs: usize) {
        self.concurrency.store(jobs, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(crate) fn limit(&self, handler: usize) -> usize {
        self.limits[handler].load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit(&self, label: &str, jobs: Option<usize>) -> Result<(), ConfigError> {
        if jobs == Some(0) {
            return Err(ConfigError::zero_concurrency_of());
        }
        let handler = self.labels.iter().position(|known| **known == *label);
        let handler = handler.ok_or_else(|| ConfigError::no_handler_for(label))?;
        self.limits[handler].store(jobs.unwrap_or(usize::MAX), Ordering::Relaxed);
        self.wake.notify_one();
        Ok(())
    }

    /// The label of a handler's queue.
    pub(crate) fn label(&self, handler: usize) -> &str {
        &self.labels[handler]
    }

    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> Report {
        self.status().report
    }

    /// Records that a store replied, or the error.
    pub(crate) fn record_contact(&self, store: usize, error: Option<String>) {
        let contact = &mut self.status().contacts[store];
        match error {
            None => *contact = (Instant::now(), None),
            error => contact.1 = error,
        }
    }
}
