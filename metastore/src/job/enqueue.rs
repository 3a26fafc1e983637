//! Requesting runs of a transformation, of one item or of many.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tracing::Instrument;

use crate::document::Document;
use crate::document::envelope;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::handle::Job;
use crate::key::{Id, ToId};
use crate::redis::command::{Reply, unexpected};
use crate::redis::script::{ENQUEUE, ScriptCall};
use crate::redis::write::WriteSet;
use crate::redis::write::enqueue::Request;
use crate::repo::{Repo, checked_id};
use crate::store::MAX_TRACE_LEN;
use crate::time::millis;

const OPERATION: &str = "enqueue";

/// The most items of one script call, so that it does not hold up the server.
const MAX_ITEMS: usize = 256;

/// The longest trace context, in bytes. W3C's `traceparent` has 55.

/// The longest delay: longer is more likely a mistake of units.
const MAX_DELAY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Which of the waiting jobs of a transformation go first.
///
/// Of 16 jobs, about 11 are taken from the high ones first, 4 from the normal ones and one from the low
/// ones, so that none waits for ever while others keep coming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Priority {
    /// Before the others.
    High,
    /// The default.
    #[default]
    Normal,
    /// After the others.
    Low,
}

impl Priority {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// How to run a requested job.
///
/// ```
/// use metastore::{EnqueueOptions, Priority};
/// use std::time::Duration;
///
/// let options = EnqueueOptions::new().delay(Duration::from_secs(60)).priority(Priority::Low);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EnqueueOptions {
    pub(crate) delay: Duration,
    pub(crate) priority: Priority,
    pub(crate) timeout: Option<Duration>,
    pub(crate) trace: Option<String>,
}

impl EnqueueOptions {
    /// At once, with normal priority, and whatever else the transformation and the worker say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins after this time at the earliest, on the version that the item has then. Default: at once.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Which jobs go first. Default: normal. A waiting job that is requested again with a higher
    /// priority moves up.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// How long one run of this job may take. Default: what the transformation says, else the worker.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The trace context of whoever asks, such as W3C's `traceparent`, up to 512 bytes. The worker's span
    /// and the handler's context carry it. Default: what the store's
    /// [`trace_source`](crate::StoreOptions::trace_source) gives.
    #[must_use]
    pub fn trace(mut self, context: impl Into<String>) -> Self {
        self.trace = Some(context.into());
        self
    }

    fn check(&self) -> Result<()> {
        let wrong = |message: &str| {
            Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message.to_owned())))
        };
        if self.delay > MAX_DELAY {
            return wrong("a delay is at most 10 years");
        }
        if self
            .timeout
            .is_some_and(|timeout| timeout < Duration::from_millis(1) || timeout > MAX_DELAY)
        {
            return wrong("a timeout is from 1 ms to 10 years");
        }
        if self.trace.as_ref().is_some_and(|trace| trace.len() > MAX_TRACE_LEN) {
            return wrong("a trace context has at most 512 bytes");
        }
        Ok(())
    }
}

impl<T: Document> Repo<T> {
    /// Requests a run of a transformation on each of many items; the jobs, in the order of the ids.
    ///
    /// One round trip for 256 items. Each item has an answer of its own: one that is missing does not
    /// keep the others from being requested.
    ///
    /// # Errors
    ///
    /// For all: `InvalidId` and `InvalidArgument`, before anything is requested; `OutOfMemory`,
    /// `WrongType`, `Unavailable`, `OutcomeUnknown`, which leave the items of earlier round trips
    /// requested. For one: `NotFound`, `WrongType`, `Decode` if its key holds no document.
    ///
    /// ```
    /// # use metastore::{Collection, EnqueueOptions, Store};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # #[transformation(digest -> String)]
    /// # struct Note { title: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// let notes = Store::embedded().await?.repo::<Note>();
    /// let note = notes.create(Note { title: "Milk".into() }).await?;
    /// let jobs = notes.enqueue_many(Note::DIGEST, [&note.id], EnqueueOptions::new()).await?;
    /// assert!(jobs[0].is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enqueue_many<R, I>(
        &self,
        transformation: Transformation<T, R>,
        ids: I,
        options: EnqueueOptions,
    ) -> Result<Vec<Result<Job<T, R>>>>
    where
        I: IntoIterator,
        I::Item: ToId,
        R: serde::de::DeserializeOwned,
    {
        let schema = transformation.schema();
        let options = EnqueueOptions {
            trace: options.trace.clone().or_else(|| self.store().trace()),
            ..options
        };
        options.check()?;
        if schema.inline {
            return Err(self.inline(OPERATION, schema.name));
        }
        let ids: Vec<Id> =
            ids.into_iter().map(|id| checked_id(&id, OPERATION)).collect::<Result<_>>()?;
        let mut jobs = Vec::with_capacity(ids.len());
        let address = self.address().as_str();
        let span =
            tracing::info_span!("enqueue", collection = address, transformation = schema.name);
        for ids in ids.chunks(MAX_ITEMS) {
            let answers = self.request(schema.name, ids, &options).instrument(span.clone()).await?;
            for (id, answer) in ids.iter().zip(answers) {
                jobs.push(
                    answer.map(|job| Job::new(self.clone(), id.clone(), transformation, job)),
                );
            }
        }
        Ok(jobs)
    }

    async fn request(
        &self,
        name: &'static str,
        ids: &[Id],
        options: &EnqueueOptions,
    ) -> Result<Vec<Result<String>>> {
        let at = self.address();
        let head = self.request_head(name);
        let wishes = self.wishes(options);
        let new_job = || self.store().new_ulid().to_string();
        let (job, writes) = match ids {
            [id] => {
                let (id, job) = (id.clone(), new_job());
                let request = Request { head, id, job: job.clone(), wishes };
                (job, WriteSet::Request(Arc::new(request)))
            }
            ids => {
                let (mut job, mut call) = (String::new(), ScriptCall::clone(&head));
                for id in ids {
                    job = new_job();
                    call = call.arg(id.to_string()).arg(job.clone()).arg(wishes.clone());
                }
                (job, WriteSet::Conditional(call))
            }
        };
        let verdict = self.send(OPERATION, &job, writes).await?;
        let mut verdict = verdict.ok_or_else(|| unexpected(OPERATION, &"no verdict"))?;
        let answers = verdict.array(OPERATION)?;
        if answers.len() != ids.len() * 2 {
            return Err(unexpected(OPERATION, &"another number of answers"));
        }
        let answer = |(id, answer): (&Id, &[Reply])| match answer {
            [Reply::Int(1 | 2), job] => {
                let job = job.as_text().map(str::to_owned);
                job.ok_or_else(|| unexpected(OPERATION, &"no job"))
            }
            [Reply::Int(-1), _] => Err(self.missing(id, OPERATION)),
            [Reply::Int(-2), _] => {
                Err(Error::new(OPERATION, envelope::not_an_envelope()).at(at.latest(id)))
            }
            _ => {
                let message = "a key of the item".to_owned();
                let key = at.transformation(id, name);
                Err(Error::new(OPERATION, ErrorKind::WrongType(message)).at(key))
            }
        };
        Ok(ids.iter().zip(answers.chunks(2)).map(answer).collect())
    }

    /// What all requests of a transformation have in common, made once.
    fn request_head(&self, name: &'static str) -> Arc<ScriptCall> {
        let make = || {
            let queue = self.address().queue(name);
            let head = ScriptCall::new(&ENQUEUE)
                .keys(queue.all())
                .arg(queue.wake)
                .arg(queue.item_prefix)
                .arg(queue.record_suffix)
                .arg(queue.latest_suffix)
                .arg(self.audit_pieces())
                .arg(queue.audit_prefix)
                .arg(name);
            Arc::new(head)
        };
        let number = T::SCHEMA.transformations.iter().position(|found| found.name == name);
        let kept = number.and_then(|number| self.request_heads().get(number));
        kept.map_or_else(make, |head| head.get_or_init(make).clone())
    }

    /// What a request wishes of its job, as `enqueue.lua` takes it: empty for nothing in particular.
    fn wishes(&self, options: &EnqueueOptions) -> String {
        let EnqueueOptions { delay, priority, timeout, trace } = options;
        let actor = self.actor_arg();
        let usual = delay.is_zero() && *priority == Priority::Normal && timeout.is_none();
        if usual && actor.is_empty() && trace.is_none() {
            return String::new();
        }
        let delay = if delay.is_zero() { 0 } else { millis(*delay).max(1) };
        let timeout = timeout.map(|time| millis(time).to_string()).unwrap_or_default();
        let trace = trace.as_deref().unwrap_or_default();
        // The actor and the trace may hold anything, so the length says where one ends.
        format!("{delay} {} {timeout} {} {actor}{trace}", priority.as_str(), actor.len())
    }

    pub(crate) fn inline(&self, operation: &'static str, name: &str) -> Error {
        let message = format!(
            "`{name}` is declared with `mode = inline`, so no worker runs it; call `run_with`"
        );
        Error::new(operation, ErrorKind::InvalidArgument(message))
    }
}
