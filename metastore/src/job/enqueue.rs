//! Requesting runs of a transformation, of one item or of many.

use std::sync::Arc;

use tracing::Instrument;

use crate::document::Document;
use crate::document::envelope;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::current::is_running;
use crate::job::handle::Job;
use crate::job::options::{EnqueueOptions, Priority};
use crate::key::{Id, ToId};
use crate::redis::command::{Reply, unexpected};
use crate::redis::script::{ENQUEUE, ScriptCall, code};
use crate::redis::write::Write;
use crate::redis::write::enqueue::EnqueueRequest;
use crate::repo::{Repo, checked_id};
use crate::time::millis;

const OPERATION: &str = "enqueue";

/// The most items of one script call, so that it does not block the server for long.
const MAX_ITEMS: usize = 256;

impl<T: Document> Repo<T> {
    /// Requests a run of a transformation on each of many items. Returns the jobs in the order of
    /// the ids.
    ///
    /// One round trip for each 256 items. Each item has its own result: a missing item does not
    /// prevent the requests of the others.
    ///
    /// # Errors
    ///
    /// For the whole call: `InvalidId` and `InvalidArgument`, before anything is requested;
    /// `OutOfMemory`, `WrongType`, `Unavailable` and `OutcomeUnknown`, after which the items of
    /// earlier round trips are requested. For one item: `NotFound`, `WrongType`, and `Decode` if
    /// its key does not hold a document.
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
        options.check(OPERATION)?;
        if schema.inline {
            return Err(is_inline(schema.name));
        }
        let ids: Vec<Id> =
            ids.into_iter().map(|id| checked_id(&id, OPERATION)).collect::<Result<_>>()?;
        let mut jobs = Vec::with_capacity(ids.len());
        let address = self.address().as_str();
        let span =
            tracing::info_span!("enqueue", collection = address, transformation = schema.name);
        for ids in ids.chunks(MAX_ITEMS) {
            let replies = self.request(schema.name, ids, &options).instrument(span.clone()).await?;
            for (id, reply) in ids.iter().zip(replies) {
                jobs.push(reply.map(|(job, seq)| {
                    Job::new(self.clone(), id.clone(), transformation, job, seq)
                }));
            }
        }
        Ok(jobs)
    }

    /// Returns the id and the number of the job of each item.
    async fn request(
        &self,
        name: &'static str,
        ids: &[Id],
        options: &EnqueueOptions,
    ) -> Result<Vec<Result<(String, u64)>>> {
        let at = self.address();
        let head = self.request_head(name);
        let options_of = |id: &Id| self.options_arg(options, is_running(at, name, id));
        let new_job = || self.store().new_ulid().to_string();
        let (job, write) = match ids {
            [id] => {
                let (options, id, job) = (options_of(id), id.clone(), new_job());
                let request = EnqueueRequest { head, id, job: job.clone(), options };
                (job, Write::Enqueue(Arc::new(request)))
            }
            ids => {
                let (mut job, mut call) = (String::new(), ScriptCall::clone(&head));
                for id in ids {
                    job = new_job();
                    call = call.arg(id.to_string()).arg(job.clone()).arg(options_of(id));
                }
                (job, Write::Script(call))
            }
        };
        let mut verdict = self.commit(OPERATION, &job, write).await?.verdict(OPERATION)?;
        let replies = verdict.array(OPERATION)?;
        if replies.len() != ids.len() * 3 {
            return Err(unexpected(OPERATION, &"a reply with another number of items"));
        }
        let job_of = |(id, reply): (&Id, &[Reply])| match reply {
            [Reply::Int(1 | 2), job, seq] => {
                let job = job.as_text().map(|job| (job.to_owned(), seq.as_u64().unwrap_or(0)));
                job.ok_or_else(|| unexpected(OPERATION, &"a reply without a job id"))
            }
            [Reply::Int(code::NOT_FOUND), ..] => Err(self.missing(id, OPERATION)),
            [Reply::Int(code::NOT_A_DOCUMENT), ..] => {
                Err(Error::new(OPERATION, envelope::not_an_envelope()).at(at.latest(id)))
            }
            [Reply::Int(code::WRONG_TYPE), ..] => {
                let message = "a key of the item".to_owned();
                let key = at.transformation(id, name);
                Err(Error::new(OPERATION, ErrorKind::WrongType(message)).at(key))
            }
            _ => Err(unexpected(OPERATION, &reply)),
        };
        Ok(ids.iter().zip(replies.chunks(3)).map(job_of).collect())
    }

    /// The keys and arguments that all requests of a transformation share; built once.
    fn request_head(&self, name: &'static str) -> Arc<ScriptCall> {
        let build = || {
            let head = ScriptCall::new(&ENQUEUE)
                .key(self.address().queue(name).jobs)
                .address(self.address())
                .arg(name)
                .arg(self.audit_context().settings_arg());
            Arc::new(head)
        };
        let number = T::SCHEMA.transformations.iter().position(|found| found.name == name);
        let cached = number.and_then(|number| self.request_heads().get(number));
        cached.map_or_else(build, |head| head.get_or_init(build).clone())
    }

    /// The options of a request as `enqueue.lua` reads them; empty if all are the defaults.
    fn options_arg(&self, options: &EnqueueOptions, again: bool) -> String {
        let EnqueueOptions { delay, priority, timeout, trace } = options;
        let fields = self.audit_context().fields_arg();
        let are_defaults =
            delay.is_zero() && *priority == Priority::Normal && timeout.is_none() && !again;
        if are_defaults && fields.is_empty() && trace.is_none() {
            return String::new();
        }
        let delay = if delay.is_zero() { 0 } else { millis(*delay).max(1) };
        let timeout = timeout.map(|time| millis(time).to_string()).unwrap_or_default();
        let trace = trace.as_deref().unwrap_or_default();
        // The fields and the trace may contain any character, so the length separates them.
        let (priority, again) = (priority.letter(), u8::from(again));
        format!("{delay} {priority} {again} {timeout} {} {fields}{trace}", fields.len())
    }
}

fn is_inline(name: &str) -> Error {
    let message = format!(
        "`{name}` is declared with `mode = inline`, so no worker runs it; call `run_with` instead"
    );
    Error::new(OPERATION, ErrorKind::InvalidArgument(message))
}
