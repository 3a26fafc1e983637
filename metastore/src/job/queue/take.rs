//! Taking jobs.

use std::time::Duration;

use super::{Claim, Queue};
use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{ScriptCall, TAKE};
use crate::time::millis;

const OPERATION: &str = "take";

/// The most jobs that one call takes, so that it does not hold up the server.
const MAX_COUNT: usize = 256;

/// A job that was taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct Taken<T> {
    /// The hold on it.
    pub claim: Claim,
    /// How many runs of it have failed; see [`JobStatus::attempts`](crate::JobStatus::attempts).
    pub attempts: u32,
    /// How often a worker stopped or froze while it ran it.
    pub crashes: u32,
    /// How long one run may take, if the request said so.
    pub timeout: Option<Duration>,
    /// The trace context of whoever requested it.
    pub trace: Option<String>,
    /// How long it could have been taken and was not.
    pub waited: Duration,
    /// The current version of the item, or why it does not decode.
    pub item: Result<Item<T>>,
}

/// What a worker took at once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Haul<T> {
    /// The jobs.
    pub jobs: Vec<Taken<T>>,
    /// How many are left waiting.
    pub waiting: u64,
    /// Whether some of those can be taken now: the queue is not paused, and its limits leave room.
    pub ready: bool,
    /// How long until a delayed job, an expired lease or a rate limit is next due.
    pub due_in: Option<Duration>,
}

/// How many jobs to take, and on which terms.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TakeOptions {
    /// At most this many, and never more than 256.
    pub count: usize,
    /// How long the claim holds without being renewed.
    pub lease: Duration,
    /// Who takes them; kept in the job's record.
    pub worker: String,
    /// After how many crashes a job is dead.
    pub max_crashes: u32,
    /// Whether to take delayed jobs at once, whatever their time; for tests.
    pub fast_forward: bool,
}

impl TakeOptions {
    /// Takes up to `count` jobs for `worker`, for 30 seconds without renewal. A job is dead after 5
    /// crashes.
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

    /// How long the claim holds without being renewed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// After how many crashes a job is dead.
    #[must_use]
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.max_crashes = crashes;
        self
    }

    /// Whether to take delayed jobs at once, whatever their time; for tests.
    #[must_use]
    pub fn fast_forward(mut self, on: bool) -> Self {
        self.fast_forward = on;
        self
    }
}

impl<T: Document> Queue<T> {
    /// Takes jobs with their documents, after bringing back those whose time has come and those
    /// whose worker is gone.
    ///
    /// One round trip; the server works in proportion to what is taken, however many wait. If the reply is
    /// lost, the jobs come back when the lease ends.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutOfMemory`, `WrongType`.
    pub async fn take(&self, options: &TakeOptions) -> Result<Haul<T>> {
        let none = || Error::new(OPERATION, ErrorKind::Server("no verdict".to_owned()));
        self.exchange(&[], Some(options)).await.haul.unwrap_or_else(|| Err(none()))
    }

    pub(super) fn take_call(&self, options: &TakeOptions) -> ScriptCall {
        self.begin(ScriptCall::new(&TAKE))
            .arg(self.keys.latest_suffix)
            .int(options.count.min(MAX_COUNT) as u64)
            .int(millis(options.lease))
            .arg(options.worker.clone())
            .int(options.max_crashes.into())
            .arg(if options.fast_forward { "1" } else { "0" })
            .arg(self.repo.audit_pieces())
            .arg(self.keys.audit_prefix.clone())
            .arg(self.repo.actor_arg())
            .arg(self.schema.name)
    }

    pub(super) fn haul(&self, reply: Reply) -> Result<Haul<T>> {
        let mut verdict = Verdict::from_reply(reply, OPERATION)?;
        let jobs = verdict.array(OPERATION)?;
        let waiting = verdict.number(OPERATION)?;
        let ready = verdict.number(OPERATION)? == 1;
        let due_in = match verdict.rest.next() {
            Some(Reply::Int(due)) => u64::try_from(due).ok().map(Duration::from_millis),
            other => return Err(unexpected(OPERATION, &other)),
        };
        let now = verdict.number(OPERATION)?;
        let taken = |job| match self.taken(job, now) {
            Ok(taken) => Some(taken),
            Err(error) => {
                // Others must not wait for it; what nobody holds comes back with the end of its lease.
                tracing::warn!(%error, "a job cannot be read and is left alone");
                None
            }
        };
        let jobs = jobs.into_iter().filter_map(taken).collect();
        Ok(Haul { jobs, waiting, ready, due_in })
    }

    fn taken(&self, job: Reply, now: u64) -> Result<Taken<T>> {
        let strange = || unexpected(OPERATION, &"a job of another shape");
        let parts = job.into_array().ok_or_else(strange)?;
        let [about, item, Reply::Data(json)] = &parts[..] else { return Err(strange()) };
        let mut about = about.as_text().ok_or_else(strange)?.splitn(7, ' ');
        let mut next = || about.next().ok_or_else(strange);
        let (job, fence, attempts, crashes) = (next()?, next()?, next()?, next()?);
        let (since, timeout, trace) = (next()?, next()?, next()?);
        let since: u64 = since.parse().map_err(|_| strange())?;
        let claim = Claim {
            item: item.as_text().and_then(|id| Id::new(id).ok()).ok_or_else(strange)?,
            job: job.to_owned(),
            fence: fence.parse().map_err(|_| strange())?,
        };
        Ok(Taken {
            attempts: attempts.parse().map_err(|_| strange())?,
            crashes: crashes.parse().map_err(|_| strange())?,
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

pub(super) fn small(reply: &Reply) -> Option<u32> {
    reply.as_u64().and_then(|n| u32::try_from(n).ok())
}
