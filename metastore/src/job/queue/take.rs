//! `TakenBatch`: the jobs that a worker takes by one call.

use std::sync::Arc;
use std::time::Duration;

use super::claim::{Claim, Run};
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::Result;
use crate::job::live::{LiveJob, field};
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
    /// How often a worker crashed or froze while it ran this job alone.
    pub crashes: u32,
    /// Whether the worker must confirm the job by renewing its lease before it begins the run,
    /// because an earlier worker took the job and was not heard of again.
    pub confirm_first: bool,
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
    /// How many jobs wait until this worker runs nothing else, because they may have crashed a
    /// worker. Take them with [`TakeOptions::alone`].
    pub suspects: u64,
    /// How many jobs were left in the queue because a newer version of this program has requested
    /// them.
    pub newer: u64,
}

/// Options of [`Queue::take`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TakeOptions {
    /// The most jobs to take; never more than 256 are taken.
    pub count: usize,
    /// How long a claim is valid unless it is renewed. Default: 30 seconds.
    pub lease: Duration,
    /// The name of the worker; stored with the job.
    pub worker: String,
    /// The name under which the worker is notified, see [`Queue::wake_up`]; different for each
    /// worker. Default: the name of the worker.
    pub channel: String,
    /// The number of crashes after which a job is dead. Default: 5.
    pub max_crashes: u32,
    /// Whether to take delayed jobs before they are due; for tests. Default: false.
    pub fast_forward: bool,
    /// Whether to take one job that may have crashed a worker, because this worker runs nothing
    /// else. If it crashes, it was this job. Default: false.
    pub alone: bool,
}

impl TakeOptions {
    /// Takes up to `count` jobs for `worker`, with the defaults of the other options.
    #[must_use]
    pub fn new(worker: impl Into<String>, count: usize) -> Self {
        let worker = worker.into();
        Self {
            count,
            lease: Duration::from_secs(30),
            channel: worker.clone(),
            worker,
            max_crashes: 5,
            fast_forward: false,
            alone: false,
        }
    }

    /// Sets how long a claim is valid unless it is renewed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the name under which the worker is notified.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = channel.into();
        self
    }

    /// Sets whether to take one job that may have crashed a worker.
    #[must_use]
    pub fn alone(mut self, on: bool) -> Self {
        self.alone = on;
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
            .arg(options.channel.clone())
            .int(options.max_crashes.into())
            .arg(match (options.fast_forward, options.alone) {
                (false, false) => "",
                (true, false) => "f",
                (false, true) => "a",
                (true, true) => "fa",
            })
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
        let suspects = verdict.number(OPERATION)?;
        let newer = verdict.number(OPERATION)?;
        let taken_job = |parts: &[Reply]| match self.taken_job(parts, now) {
            Ok(taken) => Some(taken),
            Err(error) => {
                // The other jobs must still run. This one returns to the queue when its lease
                // expires.
                tracing::warn!(%error, "cannot parse a taken job; it runs after its lease expires");
                None
            }
        };
        let jobs = jobs.chunks(3).filter_map(taken_job).collect();
        Ok(TakenBatch { jobs, waiting, ready, due_in, suspects, newer })
    }

    fn taken_job(&self, parts: &[Reply], now: u64) -> Result<TakenJob<T>> {
        let malformed = || unexpected(OPERATION, &"a malformed job");
        let [Reply::Data(text), item, Reply::Data(json)] = parts else { return Err(malformed()) };
        let id = item.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(malformed)?;
        let item = self.item(&id, json);
        let created = item.as_ref().map(|item| item.created_at.as_millis()).unwrap_or_default();
        // Only an origin that is safe within JSON; a script reads the others from the item.
        let origin = item.as_ref().map(|item| item.origin().to_owned()).unwrap_or_default();
        let origin = if origin.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            origin
        } else {
            String::new()
        };
        let run = Some(Arc::new(Run { text: text.clone(), origin, created }));
        let text = std::str::from_utf8(text).map_err(|_| malformed())?;
        let mut words = text.splitn(11, ' ').skip(1);
        let mut next = || words.next().ok_or_else(malformed);
        let (job, _seq, enqueued, _origin) = (next()?, next()?, next()?, next()?);
        let (fence, attempts, crashes, since) = (next()?, next()?, next()?, next()?);
        let (_source, last) = (next()?, next()?);
        let since: u64 =
            if since == "0" { enqueued } else { since }.parse().map_err(|_| malformed())?;
        let claim = Claim {
            item: id,
            job: job.to_owned(),
            fence: fence.parse().map_err(|_| malformed())?,
            run,
        };
        let mut taken = TakenJob {
            claim,
            attempts: attempts.parse().map_err(|_| malformed())?,
            crashes: crashes.parse().map_err(|_| malformed())?,
            confirm_first: false,
            timeout: None,
            trace: None,
            waited: Duration::from_millis(now.saturating_sub(since)),
            item,
        };
        let mut fields = last.trim_start_matches(|c: char| c.is_ascii_digit());
        while let Some((letter, value, rest)) = field(fields) {
            match letter {
                'f' => taken.confirm_first = true,
                'p' => taken.timeout = value.parse().ok().map(Duration::from_millis),
                LiveJob::TRACE => taken.trace = Some(value.to_owned()),
                _ => {}
            }
            fields = rest;
        }
        Ok(taken)
    }

    pub(super) fn item(&self, id: &Id, json: &[u8]) -> Result<Item<T>> {
        envelope::decode(json, &self.repo.address().latest(id), OPERATION)
    }
}
