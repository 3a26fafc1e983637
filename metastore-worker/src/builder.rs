//! `WorkerBuilder`: the handlers and settings of a worker.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Collection, Item, Repo, Transformation};
use serde::Serialize;

use crate::collection::MaintainedCollection;
use crate::config::{Config, ConfigError};
use crate::handler::{
    self, ErasedHandler, HandlerFuture, HandlerOutcome, Hook, JobContext, JobRun, TypedHandler,
};
use crate::label::queue_label;
use crate::worker::Worker;

/// Collects handlers and settings; made by [`Worker::builder`].
#[must_use = "a builder does nothing until it is built and run"]
pub struct WorkerBuilder<T> {
    repo: Repo<T>,
    handlers: Vec<Arc<dyn ErasedHandler>>,
    collections: Vec<Arc<dyn MaintainedCollection>>,
    limits: Vec<(String, usize)>,
    states: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    hooks: Vec<Hook>,
    config: Config,
}

impl<T> std::fmt::Debug for WorkerBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts building a worker for a collection; see [`WorkerBuilder`] for its settings.
    pub fn builder<T: Collection>(repo: &Repo<T>) -> WorkerBuilder<T> {
        WorkerBuilder {
            repo: repo.clone(),
            handlers: Vec::new(),
            collections: vec![Arc::new(repo.clone())],
            limits: Vec::new(),
            states: HashMap::new(),
            hooks: Vec::new(),
            config: Config::default(),
        }
    }
}

impl<T: Collection> WorkerBuilder<T> {
    /// Adds the handler of a transformation of the current collection.
    ///
    /// The handler receives the item as it is when the job is taken. An error or a panic is a
    /// failed attempt; an error marked as [`Fatal`](crate::Fatal) is not retried. The handler may
    /// run more than once for one request, after a crash or a lost lease; a result is stored at
    /// most once.
    pub fn handle<R, F, Fut, E>(mut self, transformation: Transformation<T, R>, handler: F) -> Self
    where
        F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
        Fut: HandlerFuture<R, E> + Send + 'static,
        R: Serialize + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let queue = Queue::new(&self.repo, transformation);
        let handler = handler::single(queue.clone(), handler);
        self.handlers.push(Arc::new(TypedHandler::new(queue, handler, 1)));
        self
    }

    /// Adds a batch handler of a transformation of the current collection, for models and services
    /// that process several items faster together. The handler receives from 1 to `size` items, and
    /// returns as many results in the same order.
    ///
    /// A batch consists of the jobs that wait when it is taken, and occupies one slot. Each job has
    /// its own result or error. A panic, a timeout (the longest of the jobs) and a wrong number of
    /// results fail all jobs of the batch. The handler is stopped when the worker has lost all jobs
    /// of the batch. `size` must be from 1 to 256.
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
    /// let embed = move |items: Vec<Item<Text>>, _jobs| {
    ///     let model = model.clone();
    ///     async move {
    ///         let texts = items.iter().map(|item| item.data.content.clone()).collect();
    ///         let vectors = model.embed(texts).await;
    ///         vectors.into_iter().map(Ok::<_, std::io::Error>).collect()
    ///     }
    /// };
    /// let worker = Worker::builder(texts).handle_batch(Text::EMBED, 32, embed);
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
        self.handlers.push(Arc::new(TypedHandler::new(queue, handler, size)));
        self
    }

    /// Sets how many calls of the handler of one transformation of the current collection run
    /// concurrently in this worker, at least 1. Default: no limit but
    /// [`concurrency`](Self::concurrency).
    pub fn concurrency_of<R>(mut self, transformation: Transformation<T, R>, jobs: usize) -> Self {
        let label = queue_label(&Queue::new(&self.repo, transformation));
        self.limits.push((label, jobs));
        self
    }

    /// Continues with another collection, of the same or another store: handlers added from here on
    /// are for its transformations. A collection without handlers is maintained too; see
    /// [`maintenance_interval`](Self::maintenance_interval).
    pub fn collection<U: Collection>(mut self, repo: &Repo<U>) -> WorkerBuilder<U> {
        let is_same = |known: &Arc<dyn MaintainedCollection>| {
            known.address() == repo.address().as_str() && known.store().is_same_as(repo.store())
        };
        if !self.collections.iter().any(is_same) {
            self.collections.push(Arc::new(repo.clone()));
        }
        WorkerBuilder {
            repo: repo.clone(),
            handlers: self.handlers,
            collections: self.collections,
            limits: self.limits,
            states: self.states,
            hooks: self.hooks,
            config: self.config,
        }
    }

    /// Adds a state that all handlers share, for example a connection pool or a model.
    /// [`JobContext::state`] returns it by its type, so a handler can be a plain function. A second
    /// state of the same type replaces the first.
    pub fn state<S: Send + Sync + 'static>(mut self, state: S) -> Self {
        self.states.insert(TypeId::of::<S>(), Arc::new(state));
        self
    }

    /// Adds a hook that runs around each handler call: to enter a span, to measure, to observe
    /// errors and panics. The first hook is the outermost. For a batch, the hook receives the
    /// context and the outcome of the first job.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # fn example<T: Collection>(repo: &Repo<T>) {
    /// use metastore_worker::{HandlerOutcome, Worker};
    ///
    /// let worker = Worker::builder(repo).around(|job, run| async move {
    ///     let begin = std::time::Instant::now();
    ///     let outcome = run.run().await;
    ///     if let HandlerOutcome::Panicked { message } = &outcome {
    ///         eprintln!("job {} of {} after {:?}: {message}", job.id, job.queue, begin.elapsed());
    ///     }
    ///     outcome
    /// });
    /// # }
    /// ```
    pub fn around<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(JobContext, JobRun) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HandlerOutcome> + Send + 'static,
    {
        self.hooks.push(Arc::new(move |job, run| Box::pin(hook(job, run))));
        self
    }

    /// Sets whether to skip the delays of jobs and between attempts, so that tests do not wait.
    /// Default: false.
    pub fn fast_forward(mut self, on: bool) -> Self {
        self.config.fast_forward = on;
        self
    }

    /// Sets how many handler calls run concurrently, over all transformations, from 1 to 10,000.
    /// Default: 1.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.config.concurrency = jobs;
        self
    }

    /// Sets how often to poll the queues, at least 10 ms. Default: 1 second.
    ///
    /// The server notifies workers of new jobs; polling finds jobs after a lost notification, and
    /// the jobs of crashed workers.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.config.poll_interval = interval;
        self
    }

    /// Sets how often a failed job is retried, unless the transformation sets `retries`. Default:
    /// 25. With the default delays, these retries take about 31 hours (at least 24), so that an
    /// outage of a day leaves no dead jobs.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.config.max_retries = retries;
        self
    }

    /// Sets the delay before the first retry, unless the transformation sets `retry_delay`. The
    /// delay doubles with each further retry, up to two hours, with a jitter of 20 %. Default: 5
    /// seconds.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.config.retry_delay = delay;
        self
    }

    /// Sets how long the claim on a job is valid, at least 100 ms. After a crash, another worker
    /// takes the job within a lease and a poll interval. Default: 30 seconds.
    ///
    /// The worker renews it three times in this time, on a thread and a connection of its own: a
    /// handler that blocks its thread does not lose its job. If handlers block all threads of the
    /// runtime forever, the jobs stay with the worker until its process ends.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.config.lease = lease;
        self
    }

    /// Sets the time limit of one run, unless the request or the transformation sets `timeout`; at
    /// least 1 ms. Default: 5 minutes.
    pub fn job_timeout(mut self, timeout: Duration) -> Self {
        self.config.job_timeout = timeout;
        self
    }

    /// Sets the number of crashes after which a job is dead, at least 1. Default: 5.
    ///
    /// A crash is a worker that crashed or froze while it ran the job and nothing else: the jobs
    /// that a crashed worker ran are run again one at a time, each by a worker that runs no other
    /// job meanwhile, so that a job that crashes its worker does not use up the crashes of others.
    /// Crashes are counted separately from failures, so a restart of the service uses up no retry.
    /// They are forgotten after a day.
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.config.max_crashes = crashes;
        self
    }

    /// Sets how long a stopping worker waits for running jobs before it returns them to the queue.
    /// Default: 25 seconds, so that they are returned before Kubernetes kills the process after 30.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.config.drain_timeout = timeout;
        self
    }

    /// Sets how often to maintain the collections of the worker, at least 10 ms. Default: 1 minute.
    ///
    /// - The index entries of expired items are removed, so that a collection that is not read does
    ///   not grow. Collections with a time to live take turns, at least four seconds apart unless
    ///   the interval is shorter.
    /// - A warning is logged once for each queue with jobs that neither this worker nor another one
    ///   handles.
    pub fn maintenance_interval(mut self, interval: Duration) -> Self {
        self.config.maintenance_interval = interval;
        self
    }

    /// Builds the worker. Invalid settings are reported when the worker is run or started.
    pub fn build(self) -> Worker {
        let checked = self.config.check().and_then(|()| self.check_handlers());
        let limit = |handler: &Arc<dyn ErasedHandler>| {
            let last = self.limits.iter().rev().find(|(label, _)| *label == **handler.label());
            last.map(|(_, jobs)| *jobs)
        };
        Worker {
            limits: self.handlers.iter().map(limit).collect(),
            handlers: self.handlers,
            collections: self.collections,
            config: self.config,
            states: Arc::new(self.states),
            hooks: self.hooks.into(),
            checked,
        }
    }

    fn check_handlers(&self) -> Result<(), ConfigError> {
        if self.handlers.is_empty() {
            return Err(ConfigError::new("the worker has no handler; add one with `handle`"));
        }
        for (position, handler) in self.handlers.iter().enumerate() {
            let label = handler.label();
            if self.handlers[..position].iter().any(|other| other.label() == label) {
                let message = format!("the worker has two handlers for {label}; remove one");
                return Err(ConfigError::new(message));
            }
            if let Some(problem) = handler.check() {
                return Err(ConfigError::new(problem));
            }
        }
        for (label, jobs) in &self.limits {
            if *jobs == 0 {
                return Err(ConfigError::zero_concurrency_of());
            }
            if !self.handlers.iter().any(|handler| **handler.label() == **label) {
                return Err(ConfigError::no_handler_for(label));
            }
        }
        Ok(())
    }
}
