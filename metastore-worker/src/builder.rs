//! Building a worker: its handlers, by collection, and its settings.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Collection, Item, Repo, Transformation};
use serde::Serialize;

use crate::config::{Config, ConfigError};
use crate::context::JobContext;
use crate::handler::{self, HandlerFuture};
use crate::hook::{HandlerEnd, Hook, JobRun};
use crate::kept::{self, Kept};
use crate::lane::{Lane, Surroundings, TypedLane};
use crate::worker::Worker;

/// Collects handlers and settings; made by [`Worker::builder`].
#[must_use = "a builder does nothing until it is built and run"]
pub struct WorkerBuilder<T> {
    repo: Repo<T>,
    lanes: Vec<Arc<dyn Lane>>,
    kept: Vec<Arc<dyn Kept>>,
    limits: Vec<(String, usize)>,
    states: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    hooks: Vec<Hook>,
    config: Config,
}

/// Shows the settings.
impl<T> std::fmt::Debug for WorkerBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Worker {
    /// Begins a worker with a collection; see [`WorkerBuilder`] for its settings.
    pub fn builder<T: Collection>(repo: &Repo<T>) -> WorkerBuilder<T> {
        WorkerBuilder {
            repo: repo.clone(),
            lanes: Vec::new(),
            kept: vec![Arc::new(repo.clone())],
            limits: Vec::new(),
            states: HashMap::new(),
            hooks: Vec::new(),
            config: Config::default(),
        }
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
        Fut: HandlerFuture<R, E> + Send + 'static,
        R: Serialize + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let queue = Queue::new(&self.repo, transformation);
        let handler = handler::single(queue.clone(), handler);
        self.lanes.push(Arc::new(TypedLane::new(queue, handler, 1)));
        self
    }

    /// Handles a transformation of the current collection in batches, for models and services that are
    /// faster with many at once: up to `size` items in, as many results out, in the same order.
    ///
    /// Each job ends on its own: a result or an error. A batch is what waits at the moment, so it may
    /// hold a single item; it takes one slot. A panic, a timeout (the longest of its jobs) and a wrong
    /// number of results fail all of them; a job that is lost meanwhile is left out, and the handler is
    /// stopped when all are.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Item, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "texts", object_type = texts)]
    /// # #[transformation(embed -> Vec<f32>)]
    /// # struct Text { content: String }
    /// # struct Model;
    /// # impl Model { async fn embed(&self, texts: Vec<String>) -> Vec<Vec<f32>> { todo!() } }
    /// # fn example(texts: &Repo<Text>, model: std::sync::Arc<Model>) {
    /// use metastore_worker::Worker;
    ///
    /// let worker = Worker::builder(texts).handle_batch(Text::EMBED, 32, move |items: Vec<Item<Text>>, _jobs| {
    ///     let model = model.clone();
    ///     async move {
    ///         let texts = items.iter().map(|item| item.data.content.clone()).collect();
    ///         let vectors = model.embed(texts).await;
    ///         vectors.into_iter().map(Ok::<_, std::io::Error>).collect()
    ///     }
    /// });
    /// # }
    /// ```
    pub fn handle_batch<R, F, Fut, E>(
        mut self,
        transformation: Transformation<T, R>,
        size: usize,
        handler: F,
    ) -> Self
    where
        F: Fn(Vec<Item<T>>, Vec<JobContext>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Result<R, E>>> + Send + 'static,
        R: Serialize + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let queue = Queue::new(&self.repo, transformation);
        let handler = handler::batch(queue.clone(), handler);
        self.lanes.push(Arc::new(TypedLane::new(queue, handler, size)));
        self
    }

    /// How many jobs of one transformation of the current collection run at once in this worker.
    /// Default: as many as there are slots.
    pub fn concurrency_of<R>(mut self, transformation: Transformation<T, R>, jobs: usize) -> Self {
        let label = kept::label(&Queue::new(&self.repo, transformation));
        self.limits.push((label, jobs));
        self
    }

    /// Goes on with another collection, of the same or another store; the handlers that follow are of
    /// its transformations. One without handlers is looked after, too; see
    /// [`maintenance_interval`](Self::maintenance_interval).
    pub fn collection<U: Collection>(mut self, repo: &Repo<U>) -> WorkerBuilder<U> {
        let is_same = |kept: &Arc<dyn Kept>| {
            kept.address() == repo.address().as_str() && kept.store().is_same_as(repo.store())
        };
        if !self.kept.iter().any(is_same) {
            self.kept.push(Arc::new(repo.clone()));
        }
        WorkerBuilder {
            repo: repo.clone(),
            lanes: self.lanes,
            kept: self.kept,
            limits: self.limits,
            states: self.states,
            hooks: self.hooks,
            config: self.config,
        }
    }

    /// Something that all handlers share, such as a pool or a model: [`JobContext::state`] gives it by its
    /// type, so a handler can be a plain function. A second one of the same type takes its place.
    pub fn state<S: Send + Sync + 'static>(mut self, state: S) -> Self {
        self.states.insert(TypeId::of::<S>(), Arc::new(state));
        self
    }

    /// Does something around each job: enter a span, measure, look at errors and panics. The first hook is
    /// the outermost. Of a batch, it sees the first job and its end.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # fn example<T: Collection>(repo: &Repo<T>) {
    /// use metastore_worker::{HandlerEnd, Worker};
    ///
    /// let worker = Worker::builder(repo).around(|job, run| async move {
    ///     let begin = std::time::Instant::now();
    ///     let end = run.run().await;
    ///     if let HandlerEnd::Panicked { message } = &end {
    ///         eprintln!("job {} of {} after {:?}: {message}", job.id, job.queue, begin.elapsed());
    ///     }
    ///     end
    /// });
    /// # }
    /// ```
    pub fn around<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(JobContext, JobRun) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HandlerEnd> + Send + 'static,
    {
        self.hooks.push(Arc::new(move |job, run| Box::pin(hook(job, run))));
        self
    }

    /// Whether delays and pauses between attempts are skipped, so that tests do not wait. Default: no.
    pub fn fast_forward(mut self, on: bool) -> Self {
        self.config.fast_forward = on;
        self
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

    /// How often to look after what needs no hurry, in the collections that the worker was given. Default:
    /// 1 minute.
    ///
    /// - What the indexes hold of items that have expired is forgotten, so that a collection that nobody
    ///   reads does not grow. The collections with a time to live take turns, four seconds apart or more.
    /// - Jobs of a transformation that this worker has no handler for and that no other worker listens
    ///   for stay queued; the worker says so once, by a warning.
    pub fn maintenance_interval(mut self, interval: Duration) -> Self {
        self.config.maintenance_interval = interval;
        self
    }

    /// The worker. Settings that cannot work are reported as soon as it is run or started.
    pub fn build(self) -> Worker {
        let checked = self.config.check().and_then(|()| self.check_lanes());
        let limit = |lane: &Arc<dyn Lane>| {
            let of_lane = self.limits.iter().rev().find(|(label, _)| *label == **lane.label());
            of_lane.map(|(_, jobs)| *jobs)
        };
        let limits = self.lanes.iter().map(limit).collect();
        let around = Surroundings { states: Arc::new(self.states), hooks: self.hooks.into() };
        Worker::new(self.lanes, self.kept, limits, self.config, around, checked)
    }

    fn check_lanes(&self) -> Result<(), ConfigError> {
        if self.lanes.is_empty() {
            return Err(ConfigError("it has no handler; add one with `handle`".to_owned()));
        }
        for (position, lane) in self.lanes.iter().enumerate() {
            if self.lanes[..position].iter().any(|other| other.label() == lane.label()) {
                return Err(ConfigError(format!("it has two handlers for {}", lane.label())));
            }
            if let Some(objection) = lane.objection() {
                return Err(ConfigError(objection));
            }
        }
        for (label, jobs) in &self.limits {
            if *jobs == 0 {
                return Err(ConfigError("`concurrency_of` must be at least 1".to_owned()));
            }
            if !self.lanes.iter().any(|lane| **lane.label() == **label) {
                return Err(ConfigError(format!("it has no handler for {label}")));
            }
        }
        Ok(())
    }
}
