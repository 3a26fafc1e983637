//! Building a worker: its handlers, by collection, and its settings.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Collection, Item, Repo, Transformation};
use serde::Serialize;

use crate::config::{Config, ConfigError};
use crate::context::JobContext;
use crate::lane::{Lane, TypedLane};
use crate::worker::Worker;

/// Collects handlers and settings; made by [`Worker::builder`].
#[must_use = "a builder does nothing until it is built and run"]
pub struct WorkerBuilder<T> {
    repo: Repo<T>,
    lanes: Vec<Arc<dyn Lane>>,
    config: Config,
}

impl Worker {
    /// Begins a worker with a collection; see [`WorkerBuilder`] for its settings.
    pub fn builder<T: Collection>(repo: &Repo<T>) -> WorkerBuilder<T> {
        WorkerBuilder { repo: repo.clone(), lanes: Vec::new(), config: Config::default() }
    }
}

impl<T: Collection> WorkerBuilder<T> {
    /// Handles a transformation of the current collection.
    ///
    /// The handler gets the item as it is when the job is taken. Whatever it returns as an error, or a
    /// panic, counts as a failed attempt. It may run more than once for one request, after a crash or
    /// a lost lease; its result is stored at most once.
    pub fn handle<R, F, Fut, E>(mut self, transformation: Transformation<T, R>, handler: F) -> Self
    where
        F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: Serialize + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let queue = Queue::new(&self.repo, transformation);
        self.lanes.push(Arc::new(TypedLane::new(queue, handler)));
        self
    }

    /// Goes on with another collection, of the same or another store; the handlers that follow are of
    /// its transformations.
    pub fn collection<U: Collection>(self, repo: &Repo<U>) -> WorkerBuilder<U> {
        WorkerBuilder { repo: repo.clone(), lanes: self.lanes, config: self.config }
    }

    /// How many jobs run at once, over all transformations. Default: 1.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.config.concurrency = jobs;
        self
    }

    /// How often to look without having been told. Default: 1 second.
    ///
    /// Jobs are announced by the server, so this is only the safety net for a lost message.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.config.poll_interval = interval;
        self
    }

    /// How often a failed job is repeated, where the transformation does not say. Default: 3.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.config.max_retries = retries;
        self
    }

    /// How long to wait before the first repetition; doubled for each further one, up to an hour, and
    /// spread by a fifth. Default: 5 seconds.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.config.retry_delay = delay;
        self
    }

    /// How long a job is this worker's without being renewed, which happens three times a lease. After
    /// a crash, another worker takes the job over within a lease and a poll interval.
    /// Default: 30 seconds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.config.lease = lease;
        self
    }

    /// How long one run may take, where the transformation does not say. Default: 5 minutes.
    pub fn job_timeout(mut self, timeout: Duration) -> Self {
        self.config.job_timeout = timeout;
        self
    }

    /// After how many crashes a job is dead: a worker that stopped or froze while it ran it. Crashes
    /// count apart from failures, so a restart of the service burns no retry. Default: 5.
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.config.max_crashes = crashes;
        self
    }

    /// How long `stop` waits for running jobs before it gives them back. Default: 30 seconds.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.config.drain_timeout = timeout;
        self
    }

    /// The worker. Settings that cannot work are reported as soon as it is run or started.
    pub fn build(self) -> Worker {
        let checked = self.config.check().and_then(|()| self.check_lanes());
        Worker::new(self.lanes, self.config, checked)
    }

    fn check_lanes(&self) -> Result<(), ConfigError> {
        if self.lanes.is_empty() {
            return Err(ConfigError("it has no handler; add one with `handle`".to_owned()));
        }
        for (position, lane) in self.lanes.iter().enumerate() {
            if self.lanes[..position].iter().any(|other| other.label() == lane.label()) {
                return Err(ConfigError(format!("it has two handlers for {}", lane.label())));
            }
        }
        Ok(())
    }
}
