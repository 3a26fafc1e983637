//! One transformation with its handler. Types end here: what the worker sees of it is boxed.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::queue::{Claim, Queue, TakeOptions, Taken, WakeUp};
use metastore::{Collection, ErrorKind, Item, Progress};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::config::Config;
use crate::context::{JobContext, Reporter};
use crate::fatal::is_fatal;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type HandlerError = Box<dyn StdError + Send + Sync>;

/// How a job ended, as far as this worker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The result is stored.
    Finished,
    /// The failure is recorded; the job runs again, or is dead.
    Failed,
    /// It was given back.
    Released,
    /// It is somebody else's by now, or its item is gone; nothing was stored.
    Lost,
}

/// A job that this worker holds, ready to be run to its end.
pub(crate) struct Held {
    pub(crate) claim: Claim,
    /// Cancelled by the worker when the lease is lost.
    pub(crate) lost: CancellationToken,
    /// Cancelled by the worker when it must end.
    pub(crate) give_back: CancellationToken,
    pub(crate) life: BoxFuture<'static, Outcome>,
}

/// What one `take` gave.
pub(crate) struct Haul {
    pub(crate) jobs: Vec<Held>,
    pub(crate) waiting: u64,
    pub(crate) due_in: Option<Duration>,
}

/// A transformation as the worker sees it.
pub(crate) trait Lane: Send + Sync {
    /// The collection and the transformation, for messages and to tell lanes apart.
    fn label(&self) -> &str;
    fn wake_up(&self) -> BoxFuture<'_, metastore::Result<WakeUp>>;
    fn take<'a>(
        self: Arc<Self>,
        count: usize,
        config: &'a Config,
    ) -> BoxFuture<'a, metastore::Result<Haul>>;
    fn renew<'a>(
        &'a self,
        claims: &'a [Claim],
        lease: Duration,
    ) -> BoxFuture<'a, metastore::Result<Vec<bool>>>;
}

pub(crate) struct TypedLane<T, F> {
    label: String,
    queue: Queue<T>,
    handler: F,
}

impl<T: Collection, F> TypedLane<T, F> {
    pub(crate) fn new(queue: Queue<T>, handler: F) -> Self {
        let label = format!("{}:{}", queue.repo().address(), queue.schema().name);
        Self { label, queue, handler }
    }
}

impl<T, F, Fut, R, E> Lane for TypedLane<T, F>
where
    T: Collection,
    F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + 'static,
{
    fn label(&self) -> &str {
        &self.label
    }

    fn wake_up(&self) -> BoxFuture<'_, metastore::Result<WakeUp>> {
        Box::pin(self.queue.wake_up())
    }

    fn take<'a>(
        self: Arc<Self>,
        count: usize,
        config: &'a Config,
    ) -> BoxFuture<'a, metastore::Result<Haul>> {
        Box::pin(async move {
            let options = TakeOptions {
                count,
                lease: config.lease,
                worker: config.name.clone(),
                max_crashes: config.max_crashes,
            };
            let haul = self.queue.take(&options).await?;
            let jobs = haul.jobs.into_iter().map(|taken| hold(&self, taken, config)).collect();
            Ok(Haul { jobs, waiting: haul.waiting, due_in: haul.due_in })
        })
    }

    fn renew<'a>(
        &'a self,
        claims: &'a [Claim],
        lease: Duration,
    ) -> BoxFuture<'a, metastore::Result<Vec<bool>>> {
        Box::pin(self.queue.renew(claims, lease))
    }
}

fn hold<T, F, Fut, R, E>(lane: &Arc<TypedLane<T, F>>, taken: Taken<T>, config: &Config) -> Held
where
    T: Collection,
    F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + 'static,
{
    let claim = taken.claim.clone();
    let (lost, give_back) = (CancellationToken::new(), CancellationToken::new());
    let schema = lane.queue.schema();
    let run = Run {
        lane: lane.clone(),
        lost: lost.clone(),
        give_back: give_back.clone(),
        timeout: schema.timeout.unwrap_or(config.job_timeout),
        max_retries: schema.retries.unwrap_or(config.max_retries),
        retry_delay: config.retry_delay,
    };
    Held { claim, lost, give_back, life: Box::pin(run.life(taken)) }
}

/// One run of one job.
struct Run<T, F> {
    lane: Arc<TypedLane<T, F>>,
    lost: CancellationToken,
    give_back: CancellationToken,
    timeout: Duration,
    max_retries: u32,
    retry_delay: Duration,
}

/// How the handler ended.
enum Ending<R> {
    Result(R),
    Failure { message: String, is_final: bool },
    Lost,
    GivenBack,
}

impl<T, F, Fut, R, E> Run<T, F>
where
    T: Collection,
    F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + 'static,
{
    async fn life(self, taken: Taken<T>) -> Outcome {
        let Taken { claim, attempts, item, .. } = taken;
        let label = &self.lane.label;
        let recorded = match self.handle(&claim, attempts, item).await {
            Ending::Lost => Ok(Outcome::Lost),
            Ending::GivenBack => self.release(&claim).await,
            Ending::Failure { message, is_final } => {
                self.fail(&claim, attempts, &message, is_final).await
            }
            Ending::Result(result) => match self.lane.queue.finish(&claim, &result).await {
                Ok(true) => Ok(Outcome::Finished),
                Ok(false) => Ok(Outcome::Lost),
                Err(error) if error.is_invalid_document() => {
                    self.fail(&claim, attempts, &format!("the result: {error}"), true).await
                }
                Err(error) => Err(error),
            },
        };
        match recorded {
            Ok(Outcome::Lost) => {
                tracing::warn!(job = claim.job, lane = label, "the job is no longer ours");
                Outcome::Lost
            }
            Ok(outcome) => outcome,
            Err(error) => {
                // The lease ends by itself, and then the job is taken again.
                tracing::warn!(job = claim.job, lane = label, %error, "cannot record the end");
                Outcome::Lost
            }
        }
    }

    async fn handle(
        &self,
        claim: &Claim,
        attempts: u32,
        item: metastore::Result<Item<T>>,
    ) -> Ending<R> {
        let item = match item {
            Ok(item) => item,
            // Another attempt would read the same bytes, but perhaps by a newer worker.
            Err(error) => {
                let is_final = !matches!(error.kind(), ErrorKind::NewerSchema { .. });
                return Ending::Failure { message: error.to_string(), is_final };
            }
        };
        let cancelled = CancellationToken::new();
        // However this function ends, work that the handler has started elsewhere hears of it.
        let _cancel = cancelled.clone().drop_guard();
        let context = JobContext {
            id: claim.job.clone(),
            attempt: attempts + 1,
            fence: claim.fence,
            cancelled,
            reporter: Arc::new(self.reporter(claim)),
        };
        let lane = self.lane.clone();
        // A task of its own, so that a panic ends only the job.
        let mut task = tokio::spawn(async move {
            let ended = (lane.handler)(item, context).await;
            ended.map_err(|error| {
                let error: HandlerError = error.into();
                Ending::Failure { message: describe(&*error), is_final: is_fatal(&*error) }
            })
        });
        let ending = tokio::select! {
            ended = &mut task => match ended {
                Ok(Ok(result)) => Ending::Result(result),
                Ok(Err(failure)) => failure,
                Err(error) => Ending::Failure { message: describe_panic(error), is_final: false },
            },
            () = tokio::time::sleep(self.timeout) => {
                let message = format!("timed out after {:?}", self.timeout);
                Ending::Failure { message, is_final: false }
            }
            () = self.lost.cancelled() => Ending::Lost,
            () = self.give_back.cancelled() => Ending::GivenBack,
        };
        task.abort();
        ending
    }

    fn reporter(&self, claim: &Claim) -> Reporter {
        let (lane, claim) = (self.lane.clone(), claim.clone());
        let note = move |fraction, message| -> BoxFuture<'static, ()> {
            let (lane, claim) = (lane.clone(), claim.clone());
            Box::pin(async move {
                let at = lane.queue.repo().store().now();
                let progress = Progress::new(fraction, message, at);
                if let Err(error) = lane.queue.progress(&claim, &progress).await {
                    tracing::debug!(job = claim.job, %error, "cannot note progress");
                }
            })
        };
        Reporter { note: Box::new(note), last: Mutex::new(None) }
    }

    async fn fail(
        &self,
        claim: &Claim,
        attempts: u32,
        message: &str,
        is_final: bool,
    ) -> metastore::Result<Outcome> {
        let failures = attempts.saturating_add(1);
        let again = !is_final && failures <= self.max_retries;
        let retry_in = again.then(|| backoff::delay(self.retry_delay, failures));
        tracing::warn!(
            job = claim.job,
            lane = self.lane.label,
            message,
            ?retry_in,
            "the job failed"
        );
        let held = self.lane.queue.fail(claim, message, retry_in).await?;
        Ok(if held { Outcome::Failed } else { Outcome::Lost })
    }

    async fn release(&self, claim: &Claim) -> metastore::Result<Outcome> {
        let released = self.lane.queue.release(std::slice::from_ref(claim)).await?;
        Ok(if released == 1 { Outcome::Released } else { Outcome::Lost })
    }
}

/// An error with its causes.
fn describe(error: &(dyn StdError + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn describe_panic(error: tokio::task::JoinError) -> String {
    let payload = match error.try_into_panic() {
        Ok(payload) => payload,
        Err(error) => return error.to_string(),
    };
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
