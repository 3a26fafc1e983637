//! `TakenBatch`: the jobs that a worker takes by one call.

use std::time::Duration;

use super::claim::Claim;
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::Result;
use crate::key::Id;
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{ScriptCall, TAKE};
use crate::time::millis;

const OPERATION: &str = "take";

/// The most jobs that one call takes, so that it does not block the server for long.
const MAX_COUNT: usize = 256;

/// A job that a worker has taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct TakenJob<T> {
    /// The claim on the job.
    pub claim: Claim,
    /// How many runs of the job have failed; see
    /// [`JobStatus::attempts`](crate::JobStatus::attempts).
    pub attempts: u32,
    /// How often a worker crashed or froze while it ran the job.
    pub crashes: u32,
    /// The time limit of one run, if the request set one.
    pub timeout: Option<Duration>,
    /// The trace context of the request.
    pub trace: Option<String>,
    /// How long the job waited since it was ready to run.
    pub waited: Duration,
    /// The current version of the item, or the error of decoding it.
    pub item: Result<Item<T>>,
}

/// The jobs that were taken by one call, and what remains in the queue.
#[derive(Debug)]
#[non_exhaustive]
pub struct TakenBatch<T> {
    /// The jobs.
    pub jobs: Vec<TakenJob<T>>,
    /// How many jobs are still waiting.
    pub waiting: u64,
    /// Whether some of the waiting jobs can be taken now: the queue is not paused, and its limits
    /// are not reached.
    pub ready: bool,
    /// The time until the next delayed job is due, the next lease expires or the rate limit permits
    /// a job.
    pub due_in: Option<Duration>,
}

/// Options of [`Queue::take`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TakeOptions {
    /// The most jobs to take; never more than 256 are taken.
    pub count: usize,
    /// How long a claim is valid unless it is renewed. Default: 30 seconds.
    pub lease: Duration,
    /// The name of the worker; stored in the job's record.
    pub worker: String,
    /// The number of crashes after which a job is dead. Default: 5.
    pub max_crashes: u32,
    /// Whether to take delayed jobs before they are due; for tests. Default: false.
    pub fast_forward: bool,
}

impl TakeOptions {
    /// Takes up to `count` jobs for `worker`, with the defaults of the other options.
    #[must_use]
    pub fn new(worker: impl Into<String>, count: usize) -> Self {
        Self {
            count,
            lease: Duration::from_secs(30),
            worker: worker.into(),
            max_crashes: 5,
            fast_forward: false,
        }
    }

    /// Sets how long a claim is valid unless it is renewed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the number of crashes after which a job is dead.
    #[must_use]
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.max_crashes = crashes;
        self
    }

    /// Sets whether to take delayed jobs before they are due; for tests.
    #[must_use]
    pub fn fast_forward(mut self, on: bool) -> Self {
        self.fast_forward = on;
        self
    }
}

impl<T: Document> Queue<T> {
    pub(super) fn take_call(&self, options: &TakeOptions) -> ScriptCall {
        self.begin(ScriptCall::new(&TAKE))
            .int(options.count.min(MAX_COUNT) as u64)
            .int(millis(options.lease))
            .arg(options.worker.clone())
            .int(options.max_crashes.into())
            .arg(if options.fast_forward { "1" } else { "0" })
            .audit(&self.repo.audit_context())
    }

    pub(super) fn taken_batch(&self, reply: Reply) -> Result<TakenBatch<T>> {
        let mut verdict = Verdict::from_reply(reply, OPERATION)?;
        let jobs = verdict.array(OPERATION)?;
        let waiting = verdict.number(OPERATION)?;
        let ready = verdict.number(OPERATION)? == 1;
        let due_in = match verdict.rest.next() {
            Some(Reply::Int(due)) => u64::try_from(due).ok().map(Duration::from_millis),
            other => return Err(unexpected(OPERATION, &other)),
        };
        let now = verdict.number(OPERATION)?;
        let taken_job = |job| match self.taken_job(job, now) {
            Ok(taken) => Some(taken),
            Err(error) => {
                // The other jobs must still run. This one returns to the queue when its lease
                // expires.
                tracing::warn!(%error, "cannot parse a taken job; it runs after its lease expires");
                None
            }
        };
        let jobs = jobs.into_iter().filter_map(taken_job).collect();
        Ok(TakenBatch { jobs, waiting, ready, due_in })
    }

    fn taken_job(&self, job: Reply, now: u64) -> Result<TakenJob<T>> {
        let malformed = || unexpected(OPERATION, &"a malformed job");
        let parts = job.into_array().ok_or_else(malformed)?;
        let [about, item, Reply::Data(json)] = &parts[..] else { return Err(malformed()) };
        let mut about = about.as_text().ok_or_else(malformed)?.splitn(7, ' ');
        let mut next = || about.next().ok_or_else(malformed);
        let (job, fence, attempts, crashes) = (next()?, next()?, next()?, next()?);
        let (since, timeout, trace) = (next()?, next()?, next()?);
        let since: u64 = since.parse().map_err(|_| malformed())?;
        let claim = Claim {
            item: item.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(malformed)?,
            job: job.to_owned(),
            fence: fence.parse().map_err(|_| malformed())?,
        };
        Ok(TakenJob {
            attempts: attempts.parse().map_err(|_| malformed())?,
            crashes: crashes.parse().map_err(|_| malformed())?,
            timeout: timeout.parse().ok().map(Duration::from_millis),
            trace: (!trace.is_empty()).then(|| trace.to_owned()),
            waited: Duration::from_millis(now.saturating_sub(since)),
            item: self.item(&claim.item, json),
            claim,
        })
    }

    pub(super) fn item(&self, id: &Id, json: &[u8]) -> Result<Item<T>> {
        envelope::decode(json, &self.repo.address().latest(id), OPERATION)
    }
}
