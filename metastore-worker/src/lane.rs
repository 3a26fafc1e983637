//! One transformation with its handler. Types end here: what the worker sees of it is boxed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use metastore::queue::{Claim, End, Ended, Queue, QueueSet, TakeOptions, Taken, WakeUp};
use metastore::{Collection, ErrorKind, Item, Progress, Store};
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::config::Config;
use crate::context::{JobContext, Reporter, States};
use crate::handler::{Ending, Handler};
use crate::hook::Hook;
use crate::kept;
use crate::run;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A job that this worker holds.
#[derive(Clone, Debug)]
pub(crate) struct HeldJob {
    pub(crate) claim: Claim,
    pub(crate) attempts: u32,
    pub(crate) waited: Duration,
}

/// One call of a handler: with one job, or with a batch of them.
pub(crate) struct Unit {
    pub(crate) jobs: Vec<HeldJob>,
    pub(crate) timeout: Duration,
    /// Cancelled by the worker when the jobs are no longer its own or must end.
    pub(crate) cancelled: CancellationToken,
    /// Gives an ending for each of the jobs.
    pub(crate) life: BoxFuture<'static, Vec<Ending>>,
}

/// What one exchange with the server gave.
pub(crate) struct Exchanged {
    /// What became of each end.
    pub(crate) ends: Vec<metastore::Result<Ended>>,
    pub(crate) haul: Option<metastore::Result<Haul>>,
}

/// A job whose item does not decode.
pub(crate) struct Broken {
    pub(crate) job: HeldJob,
    pub(crate) message: String,
    pub(crate) is_final: bool,
}

pub(crate) struct Haul {
    pub(crate) units: Vec<Unit>,
    /// Jobs that cannot be run.
    pub(crate) broken: Vec<Broken>,
    /// How many more can be taken at once.
    pub(crate) backlog: usize,
    pub(crate) due_in: Option<Duration>,
}

/// What the engine lends to each run.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) states: States,
    pub(crate) hooks: Arc<[Hook]>,
}

/// A transformation as the worker sees it.
pub(crate) trait Lane: Send + Sync {
    /// The collection and the transformation, for messages and to tell lanes apart.
    fn label(&self) -> &Arc<str>;
    /// How many jobs one call of the handler takes.
    fn batch(&self) -> usize;
    /// Why it cannot be handled by a worker at all.
    fn objection(&self) -> Option<String>;
    fn store(&self) -> &Store;
    fn join(&self, set: &mut QueueSet) -> usize;
    fn wake_up(&self) -> BoxFuture<'_, metastore::Result<WakeUp>>;
    fn exchange<'a>(
        &'a self,
        ends: &'a [End],
        take: Option<&'a TakeOptions>,
        config: &'a Config,
        around: &'a Surroundings,
    ) -> BoxFuture<'a, Exchanged>;
    /// The end of a job that failed: repeated after a pause, or dead.
    fn failure(&self, job: &HeldJob, message: String, is_final: bool, config: &Config) -> End;
}

pub(crate) struct TypedLane<T> {
    label: Arc<str>,
    queue: Arc<Queue<T>>,
    handler: Handler<T>,
    batch: usize,
}

impl<T: Collection> TypedLane<T> {
    pub(crate) fn new(queue: Queue<T>, handler: Handler<T>, batch: usize) -> Self {
        let label = kept::label(&queue).into();
        Self { label, queue: Arc::new(queue), handler, batch }
    }

    /// Puts the jobs that were taken together into calls of the handler.
    fn units(
        &self,
        taken: Vec<Taken<T>>,
        config: &Config,
        around: &Surroundings,
    ) -> (Vec<Unit>, Vec<Broken>) {
        let (mut ready, mut broken) = (Vec::new(), Vec::new());
        for taken in taken {
            let Taken { claim, attempts, crashes, timeout, trace, waited, item, .. } = taken;
            let job = HeldJob { claim, attempts, waited };
            match item {
                Ok(item) => ready.push((item, job, crashes, timeout, trace)),
                // Another attempt would read the same bytes, but perhaps by a newer worker.
                Err(error) => {
                    let is_final = !matches!(error.kind(), ErrorKind::NewerSchema { .. });
                    broken.push(Broken { job, message: error.to_string(), is_final });
                }
            }
        }
        let usual = self.queue.schema().timeout.unwrap_or(config.job_timeout);
        let mut units = Vec::new();
        let mut ready = ready.into_iter().peekable();
        while ready.peek().is_some() {
            let cancelled = CancellationToken::new();
            let (mut items, mut contexts, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
            let mut longest = Duration::ZERO;
            for (item, job, crashes, timeout, trace) in ready.by_ref().take(self.batch) {
                longest = longest.max(timeout.unwrap_or(usual));
                contexts.push(self.context(&job, crashes, trace, &cancelled, around));
                items.push(item);
                jobs.push(job);
            }
            let life = self.life(items, contexts, &cancelled, around);
            units.push(Unit { jobs, timeout: longest, cancelled, life });
        }
        (units, broken)
    }

    fn context(
        &self,
        job: &HeldJob,
        crashes: u32,
        trace: Option<String>,
        cancelled: &CancellationToken,
        around: &Surroundings,
    ) -> JobContext {
        JobContext {
            id: job.claim.job.clone(),
            item: job.claim.item.clone(),
            queue: self.label.clone(),
            attempt: job.attempts + 1,
            crashes,
            fence: job.claim.fence,
            waited: job.waited,
            trace,
            cancelled: cancelled.clone(),
            states: around.states.clone(),
            reporter: Arc::new(self.reporter(&job.claim)),
        }
    }

    fn life(
        &self,
        items: Vec<Item<T>>,
        contexts: Vec<JobContext>,
        cancelled: &CancellationToken,
        around: &Surroundings,
    ) -> BoxFuture<'static, Vec<Ending>> {
        let handler = self.handler.clone();
        let called = contexts.clone();
        let run = async move { handler(items, called).await };
        Box::pin(run::around(contexts, cancelled.clone(), around.hooks.clone(), Box::pin(run)))
    }

    fn reporter(&self, claim: &Claim) -> Reporter {
        let (queue, claim) = (self.queue.clone(), claim.clone());
        Reporter::new(move |fraction, message| {
            let (queue, claim) = (queue.clone(), claim.clone());
            Box::pin(async move {
                let progress = Progress::new(fraction, message, queue.repo().store().now());
                if let Err(error) = queue.progress(&claim, &progress).await {
                    tracing::debug!(job = claim.job, %error, "cannot note progress");
                }
            })
        })
    }
}

impl<T: Collection> Lane for TypedLane<T> {
    fn label(&self) -> &Arc<str> {
        &self.label
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn objection(&self) -> Option<String> {
        if self.queue.schema().inline {
            return Some(format!(
                "{} is declared with `mode = inline`, so nothing is ever queued for it",
                self.label
            ));
        }
        (!(1..=256).contains(&self.batch))
            .then(|| format!("the batches of {} must be from 1 to 256", self.label))
    }

    fn store(&self) -> &Store {
        self.queue.repo().store()
    }

    fn join(&self, set: &mut QueueSet) -> usize {
        set.add(&self.queue)
    }

    fn wake_up(&self) -> BoxFuture<'_, metastore::Result<WakeUp>> {
        Box::pin(async move {
            if !self.queue.may_publish().await? {
                tracing::warn!(
                    lane = &*self.label,
                    "the user may not publish: jobs are found by the sweep alone, and callers that wait \
                     hear of results late"
                );
            }
            self.queue.wake_up().await
        })
    }

    fn exchange<'a>(
        &'a self,
        ends: &'a [End],
        take: Option<&'a TakeOptions>,
        config: &'a Config,
        around: &'a Surroundings,
    ) -> BoxFuture<'a, Exchanged> {
        Box::pin(async move {
            let exchange = self.queue.exchange(ends, take).await;
            let haul = exchange.haul.map(|haul| {
                haul.map(|haul| {
                    let (units, broken) = self.units(haul.jobs, config, around);
                    // What its limits hold back is not to be asked for.
                    let waiting = usize::try_from(haul.waiting).unwrap_or(usize::MAX);
                    let backlog = if haul.ready { waiting } else { 0 };
                    Haul { units, broken, backlog, due_in: haul.due_in }
                })
            });
            Exchanged { ends: exchange.ends, haul }
        })
    }

    fn failure(&self, job: &HeldJob, message: String, is_final: bool, config: &Config) -> End {
        let schema = self.queue.schema();
        let failures = job.attempts.saturating_add(1);
        let again = !is_final && failures <= schema.retries.unwrap_or(config.max_retries);
        let base = schema.retry_delay.unwrap_or(config.retry_delay);
        let base = if config.fast_forward { Duration::ZERO } else { base };
        let retry_in = again.then(|| backoff::delay(base, failures));
        tracing::warn!(
            job = job.claim.job,
            item = job.claim.item.as_str(),
            lane = &*self.label,
            message,
            ?retry_in,
            "the job failed"
        );
        End::Failure { claim: job.claim.clone(), message, runs: 1, retry_in }
    }
}
