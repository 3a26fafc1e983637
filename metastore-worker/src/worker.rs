//! `Worker` and `RunningWorker`: starting, observing and stopping a worker.

use std::future::Future;
use std::sync::Arc;

use metastore::queue::Queue;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::DropGuard;

use crate::collection::MaintainedCollection;
use crate::config::{Config, ConfigError};
use crate::control::Control;
use crate::engine::{Engine, Mode};
use crate::handler::{ErasedHandler, Hook, RunContext, States};
use crate::health::{self, Health};
use crate::label::queue_label;
use crate::lease::LeaseKeeper;
use crate::metrics;
use crate::report::Report;

/// Runs transformations; made by [`Worker::builder`].
#[must_use = "a worker does nothing until it is run or started"]
pub struct Worker {
    pub(crate) handlers: Vec<Arc<dyn ErasedHandler>>,
    pub(crate) collections: Vec<Arc<dyn MaintainedCollection>>,
    /// The most concurrent jobs of each handler.
    pub(crate) limits: Vec<Option<usize>>,
    pub(crate) config: Config,
    pub(crate) states: States,
    pub(crate) hooks: Arc<[Hook]>,
    /// The result of checking the settings; returned by the methods that start the worker.
    pub(crate) checked: Result<(), ConfigError>,
}

/// A worker that runs in the background; returned by [`Worker::start`].
///
/// Dropping it stops the worker as [`RunningWorker::stop`] does, without waiting for it.
pub struct RunningWorker {
    task: JoinHandle<Report>,
    stop: DropGuard,
    control: Arc<Control>,
}

impl RunningWorker {
    /// Stops the worker and returns what it has done.
    ///
    /// The worker takes no more jobs, waits for the running ones until
    /// [`drain_timeout`](crate::WorkerBuilder::drain_timeout), and returns the others to the queue
    /// without counting an attempt.
    ///
    /// # Panics
    ///
    /// As [`Worker::run_until`].
    pub async fn stop(self) -> Report {
        drop(self.stop);
        report_of(self.task.await)
    }

    /// Sets how many handler calls run concurrently, over all transformations. Running jobs
    /// continue.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a number that is not from 1 to 10,000.
    pub fn set_concurrency(&self, jobs: usize) -> Result<(), ConfigError> {
        Config::check_concurrency(jobs)?;
        self.control.set_concurrency(jobs);
        Ok(())
    }

    /// Sets how many handler calls of one transformation run concurrently in this worker; `None`
    /// removes the limit. To limit all workers together, call [`Queue::limit_running`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for zero, and for a transformation without a handler in this worker.
    pub fn set_concurrency_of<T: metastore::Collection, R>(
        &self,
        repo: &metastore::Repo<T>,
        transformation: metastore::Transformation<T, R>,
        jobs: Option<usize>,
    ) -> Result<(), ConfigError> {
        let label = queue_label(&Queue::new(repo, transformation));
        self.control.set_limit(&label, jobs)
    }

    /// Checks whether the worker can do its work.
    ///
    /// The check is active: the event loop must respond, a message that is published to a channel
    /// of each store must arrive, and each server must have replied recently. So it also finds a
    /// worker that has lost its subscriptions after a reconnection. It takes up to two seconds for
    /// the event loop and two for each store, and sends a few commands; call it as often as a
    /// health endpoint is called.
    pub async fn health(&self) -> Health {
        health::check(&self.control, self.task.is_finished()).await
    }

    /// Returns what the worker has done so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.control.report()
    }
}

impl Worker {
    /// Runs until `shutdown` completes, then stops as [`RunningWorker::stop`] does.
    ///
    /// The worker continues while a server is unavailable, for any time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for invalid settings, before the worker starts, or if the system refuses
    /// the thread that renews leases.
    ///
    /// # Panics
    ///
    /// If the worker itself panics, which is a bug of this library; a panic of a handler is a
    /// failed run. The jobs return to the queue when their leases expire.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Report, ConfigError> {
        let running = self.start()?;
        let RunningWorker { mut task, stop, .. } = running;
        tokio::select! {
            () = shutdown => {}
            report = &mut task => return Ok(report_of(report)),
        }
        drop(stop);
        Ok(report_of(task.await))
    }

    /// Runs until no job waits or runs in any of the worker's queues, in this worker or another
    /// one, then stops. Use it in tests, and in programs that process the waiting jobs and exit.
    ///
    /// Delayed jobs stay in the queue, also those that wait for their next attempt, unless
    /// [`fast_forward`](crate::WorkerBuilder::fast_forward) is set.
    ///
    /// # Errors
    ///
    /// As [`Worker::run_until`].
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

    /// Starts the worker in the background.
    ///
    /// # Errors
    ///
    /// As [`Worker::run_until`].
    ///
    /// # Panics
    ///
    /// If called outside a tokio runtime.
    pub fn start(self) -> Result<RunningWorker, ConfigError> {
        self.launch(Mode::UntilStopped)
    }

    fn launch(self, mode: Mode) -> Result<RunningWorker, ConfigError> {
        self.checked?;
        let control = Arc::new(Control::new(&self.handlers, self.limits, &self.config));
        let keeper = LeaseKeeper::start(&control.stores, &self.handlers, self.config.lease);
        let keeper = keeper.map_err(|error| {
            ConfigError::new(format!("cannot start the thread that renews leases: {error}"))
        })?;
        metrics::describe();
        let run_context = RunContext {
            states: self.states,
            hooks: self.hooks,
            runtime: Handle::current(),
            wake: control.wake.clone(),
        };
        let engine = Engine::new(
            self.handlers,
            &self.collections,
            self.config,
            run_context,
            control.clone(),
            keeper,
            mode,
        );
        let task = tokio::spawn(engine.run());
        Ok(RunningWorker { task, stop: control.stop.clone().drop_guard(), control })
    }
}

/// Returns the report of an engine that has ended. A panic of the engine is propagated to the
/// caller, who must not mistake it for an orderly stop.
fn report_of(ended: Result<Report, JoinError>) -> Report {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(report) => report,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime is shutting down.
        Err(Err(_)) => Report::default(),
    }
}
