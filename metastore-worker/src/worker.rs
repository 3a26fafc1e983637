//! The worker from outside: run it, start it, and what it tells while it runs.

use std::future::Future;
use std::sync::Arc;

use metastore::queue::Queue;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::{Config, ConfigError};
use crate::control::Control;
use crate::engine::{Engine, Mode};
use crate::health::{Health, examine};
use crate::kept::{self, Kept};
use crate::lane::{Lane, Surroundings};

/// Carries out transformations; made by [`Worker::builder`].
#[must_use = "a worker does nothing until it is run or started"]
pub struct Worker {
    lanes: Vec<Arc<dyn Lane>>,
    kept: Vec<Arc<dyn Kept>>,
    limits: Vec<Option<usize>>,
    config: Config,
    around: Surroundings,
    checked: Result<(), ConfigError>,
}

/// What a worker did from start to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs whose result was stored.
    pub finished: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Jobs that were given back at the end.
    pub released: u64,
    /// Jobs that were no longer this worker's when they ended.
    pub lost: u64,
}

/// A worker that runs in the background; made by [`Worker::start`].
///
/// Dropping it stops the worker as [`RunningWorker::stop`] does, without waiting for it.
pub struct RunningWorker {
    task: JoinHandle<Report>,
    stop: DropGuard,
    control: Arc<Control>,
}

impl RunningWorker {
    /// Takes no further jobs, waits for the running ones up to the drain timeout, gives the rest back
    /// without counting an attempt, and tells what was done.
    ///
    /// # Panics
    ///
    /// As [`Worker::run_until`].
    pub async fn stop(self) -> Report {
        drop(self.stop);
        report_of(self.task.await)
    }

    /// How many jobs run at once from now on, over all transformations. What runs already goes on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a number that is not from 1 to 10,000.
    pub fn set_concurrency(&self, jobs: usize) -> Result<(), ConfigError> {
        Config::check_concurrency(jobs)?;
        self.control.set_concurrency(jobs);
        Ok(())
    }

    /// How many jobs of one transformation run at once in this worker from now on; `None` for as many as
    /// there are slots. For a limit over all workers, see `limit_running` of the queue.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for zero, and if this worker does not handle the transformation.
    pub fn set_concurrency_of<T: metastore::Collection, R>(
        &self,
        repo: &metastore::Repo<T>,
        transformation: metastore::Transformation<T, R>,
        jobs: Option<usize>,
    ) -> Result<(), ConfigError> {
        let label = kept::label(&Queue::new(repo, transformation));
        self.control.set_limit(&label, jobs)
    }

    /// Whether the worker can hear and reach its servers.
    ///
    /// Asks actively: the loop answers, a message published to the worker's own channel comes back through
    /// each subscription, and the last look at the queues is recent. So it turns red for a worker that is
    /// deaf after a reconnection, as well as for one whose server is away. Takes up to two seconds, a few
    /// commands, and can be called at any rate that a health endpoint is.
    pub async fn health(&self) -> Health {
        examine(&self.control, self.task.is_finished()).await
    }

    /// What was done so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.control.report()
    }
}

impl Worker {
    pub(crate) fn new(
        lanes: Vec<Arc<dyn Lane>>,
        kept: Vec<Arc<dyn Kept>>,
        limits: Vec<Option<usize>>,
        config: Config,
        around: Surroundings,
        checked: Result<(), ConfigError>,
    ) -> Self {
        Self { lanes, kept, limits, config, around, checked }
    }

    /// Runs until `shutdown` returns, then stops as [`RunningWorker::stop`] does.
    ///
    /// It survives the server being away for any time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], before anything is done.
    ///
    /// # Panics
    ///
    /// If the worker itself panics, not a handler, which would be a mistake in this library. Its jobs
    /// come back when their leases end.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Report, ConfigError> {
        let running = self.start()?;
        let RunningWorker { mut task, stop, .. } = running;
        tokio::select! {
            () = shutdown => {}
            ended = &mut task => return Ok(report_of(ended)),
        }
        drop(stop);
        Ok(report_of(task.await))
    }

    /// Runs until nothing waits and nothing runs in any of its queues, by this worker or another, and then
    /// stops: for tests, and for programs that work off what is there.
    ///
    /// Jobs that are put off stay, as do those that wait for their next attempt, unless
    /// [`fast_forward`](crate::WorkerBuilder::fast_forward) is on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], before anything is done.
    ///
    /// # Panics
    ///
    /// As [`Worker::run_until`].
    pub async fn run_until_idle(self) -> Result<Report, ConfigError> {
        let RunningWorker { task, stop, .. } = self.launch(Mode::UntilIdle)?;
        let report = report_of(task.await);
        drop(stop);
        Ok(report)
    }

    /// Starts running in the background.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], before anything is done.
    pub fn start(self) -> Result<RunningWorker, ConfigError> {
        self.launch(Mode::UntilStopped)
    }

    fn launch(self, mode: Mode) -> Result<RunningWorker, ConfigError> {
        self.checked.clone()?;
        let stop = CancellationToken::new();
        let control = Arc::new(Control::new(&self.lanes, self.limits, &self.config));
        let (lanes, kept) = (self.lanes, &self.kept);
        let engine =
            Engine::new(lanes, kept, self.config, self.around, control.clone(), stop.clone(), mode);
        let task = tokio::spawn(engine.run());
        Ok(RunningWorker { task, stop: stop.drop_guard(), control })
    }
}

/// What an engine that has ended reports. A panic of its own goes on to the caller, for a worker that is
/// gone must not look like one that was stopped.
fn report_of(ended: Result<Report, JoinError>) -> Report {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(report) => report,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime is shutting down.
        Err(Err(_)) => Report::default(),
    }
}
