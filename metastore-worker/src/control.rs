//! What a running worker and whoever holds it tell each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metastore::Store;
use tokio::sync::Notify;

use crate::config::{Config, ConfigError};
use crate::lane::Lane;
use crate::worker::Report;

/// Shared between the engine and its [`RunningWorker`](crate::RunningWorker).
pub(crate) struct Control {
    concurrency: AtomicUsize,
    /// The most jobs of each lane at once; `usize::MAX` for as many as there are slots.
    limits: Vec<AtomicUsize>,
    labels: Vec<Arc<str>>,
    /// The stores of the lanes, each once.
    pub(crate) stores: Vec<Store>,
    pub(crate) poll_interval: Duration,
    /// Wakes the engine.
    pub(crate) wake: Arc<Notify>,
    seen: Mutex<Seen>,
}

/// What the engine notes as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) report: Report,
    /// When the engine last went round.
    pub(crate) beat: Instant,
    /// When each store last answered, and what went wrong since.
    pub(crate) contacts: Vec<(Instant, Option<String>)>,
    /// Lanes whose wake-up call cannot be subscribed to.
    pub(crate) deaf: Vec<bool>,
}

impl Control {
    pub(crate) fn new(
        lanes: &[Arc<dyn Lane>],
        limits: Vec<Option<usize>>,
        config: &Config,
    ) -> Self {
        let mut stores: Vec<Store> = Vec::new();
        for lane in lanes {
            if !stores.iter().any(|store| store.is_same_as(lane.store())) {
                stores.push(lane.store().clone());
            }
        }
        let now = Instant::now();
        Self {
            concurrency: AtomicUsize::new(config.concurrency),
            limits: limits
                .into_iter()
                .map(|limit| AtomicUsize::new(limit.unwrap_or(usize::MAX)))
                .collect(),
            labels: lanes.iter().map(|lane| lane.label().clone()).collect(),
            poll_interval: config.poll_interval,
            wake: Arc::new(Notify::new()),
            seen: Mutex::new(Seen {
                report: Report::default(),
                beat: now,
                contacts: vec![(now, None); stores.len()],
                deaf: vec![false; lanes.len()],
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

    pub(crate) fn limit(&self, lane: usize) -> usize {
        self.limits[lane].load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit(&self, label: &str, jobs: Option<usize>) -> Result<(), ConfigError> {
        if jobs == Some(0) {
            return Err(ConfigError("`concurrency_of` must be at least 1".to_owned()));
        }
        let lane = self.labels.iter().position(|known| **known == *label);
        let lane = lane.ok_or_else(|| ConfigError(format!("it has no handler for {label}")))?;
        self.limits[lane].store(jobs.unwrap_or(usize::MAX), Ordering::Relaxed);
        self.wake.notify_one();
        Ok(())
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> Report {
        self.seen().report
    }

    /// Notes that a store answered, or why it did not.
    pub(crate) fn note_contact(&self, store: usize, error: Option<String>) {
        let contact = &mut self.seen().contacts[store];
        match error {
            None => *contact = (Instant::now(), None),
            error => contact.1 = error,
        }
    }
}
