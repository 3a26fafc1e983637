//! The status of a job: its state, its times, its result.

use std::collections::HashMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::document::envelope::{self, HEADER_LEN};
use crate::document::transformation::Transformation;
use crate::error::Result;
use crate::key::Id;
use crate::redis::command::{Command, Reply};
use crate::repo::Repo;
use crate::time::Timestamp;

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// It waits until its delay is over: the delay of its request, or the delay before its next
    /// attempt.
    Delayed,
    /// It finished, and its result is stored.
    Done,
    /// It failed and is not retried any more; see [`Queue::dead`](crate::queue::Queue::dead).
    Dead,
    /// It was cancelled.
    Cancelled,
}

impl JobState {
    /// The name of the state, as it is stored in the job's record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Delayed => "delayed",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all =
            [Self::Queued, Self::Running, Self::Delayed, Self::Done, Self::Dead, Self::Cancelled];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The progress of a running job, as reported by its handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What the handler is doing.
    pub message: String,
    /// When it was reported, by the clock of the worker's store.
    pub at: Timestamp,
}

impl Progress {
    /// A progress report.
    #[must_use]
    pub fn new(fraction: f64, message: String, at: Timestamp) -> Self {
        Self { fraction, message, at }
    }
}

/// The status of a transformation of an item: its last job and its last result.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobStatus<R> {
    /// The id of the last requested job, a ULID.
    pub job: String,
    /// The state of that job.
    pub state: JobState,
    /// How many runs of the job have failed. An explicit retry of a dead or cancelled job resets
    /// the number. A run that was interrupted by a crash or a shutdown does not count.
    pub attempts: u32,
    /// How often a worker crashed or froze while it ran the job.
    pub crashes: u32,
    /// The version of the item that the current or last run reads.
    pub source_version: Option<u64>,
    /// When it was requested.
    pub enqueued_at: Option<Timestamp>,
    /// When the current or last run began.
    pub started_at: Option<Timestamp>,
    /// When it became done, dead or cancelled.
    pub finished_at: Option<Timestamp>,
    /// The error of the last failed run.
    pub error: Option<String>,
    /// The trace context of the request.
    pub trace: Option<String>,
    /// The progress of the current run, if its handler reports any.
    pub progress: Option<Progress>,
    /// The id of the job that runs next, because the item changed while this job ran.
    pub next: Option<String>,
    /// The result of the last finished run, of this job or an earlier one.
    pub result: Option<R>,
    /// The id of the job that produced the result.
    pub result_job: Option<String>,
    /// The version of the item that the result was computed from.
    pub result_version: Option<u64>,
    /// When the result was stored.
    pub result_at: Option<Timestamp>,
    /// The current version of the item.
    pub item_version: u64,
}

impl<R> JobStatus<R> {
    /// Whether the item has changed since the result was computed; false if there is no result.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.result_version.is_some_and(|version| version < self.item_version)
    }
}

/// Reads the record of a transformation and the current version of its item.
pub(crate) async fn read_status<T: Document, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: Transformation<T, R>,
    operation: &'static str,
) -> Result<Option<JobStatus<R>>> {
    let key = repo.address().transformation(id, transformation.schema().name);
    let latest = repo.address().latest(id);
    let read = Command::new("HGETALL").arg(key.clone());
    let (record, start) = read_with_head(repo, read, &key, &latest, operation).await?;
    let mut fields = HashMap::new();
    let mut record = record.into_iter();
    while let (Some(field), Some(value)) = (record.next(), record.next()) {
        if let Some(field) = field.as_text() {
            fields.insert(field.to_owned(), value);
        }
    }
    if fields.is_empty() || start.is_empty() {
        return Ok(None);
    }
    let head = match envelope::decode_header(&start, &latest, operation) {
        Ok(head) => head,
        // Another tool may have written the document, with a longer header.
        Err(_) => match repo.headers(vec![latest], operation).await?.pop().flatten() {
            Some(head) => head,
            None => return Ok(None),
        },
    };
    if fields.get("origin").and_then(Reply::as_text) != Some(head.origin()) {
        // The record of an earlier item with this id, which was deleted by a program that does not
        // declare the transformation.
        return Ok(None);
    }
    let item_version = head.version;
    if has_expired(repo, fields.get("result_until")) {
        fields.remove("result");
        fields.remove("result_of");
    }
    let text = |field: &str| fields.get(field).and_then(Reply::as_text).map(str::to_owned);
    let number = |field: &str| fields.get(field).and_then(Reply::as_u64);
    let count = |field: &str| number(field).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let time = |field: &str| number(field).map(Timestamp::from_millis);
    // Written by `run_of` in `lib/job.lua`: job, fence, version, time.
    let run = text("result_of").unwrap_or_default();
    let mut run = run.split(' ');
    let result_job = run.next().filter(|job| !job.is_empty()).map(str::to_owned);
    let result_version = run.nth(1).and_then(|version| version.parse().ok());
    let result_at = run.next().and_then(|time| time.parse().ok()).map(Timestamp::from_millis);
    let result = match fields.get("result") {
        Some(Reply::Data(json)) => Some(envelope::decode_value(json, &key, operation)?),
        _ => None,
    };
    Ok(Some(JobStatus {
        job: text("job").unwrap_or_default(),
        state: text("state").as_deref().and_then(JobState::parse).unwrap_or(JobState::Queued),
        attempts: count("attempts"),
        crashes: count("crashes"),
        source_version: number("source"),
        enqueued_at: time("enqueued"),
        started_at: time("started"),
        finished_at: time("finished"),
        error: text("error"),
        trace: text("trace"),
        // Progress is informational, so a damaged value does not fail the whole status.
        progress: text("progress").and_then(|json| serde_json::from_str(&json).ok()),
        next: text("next"),
        result,
        result_job,
        result_version,
        result_at,
        item_version,
    }))
}

/// Reads the last result of a transformation.
pub(crate) async fn read_result<T: Document, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: Transformation<T, R>,
    operation: &'static str,
) -> Result<Option<R>> {
    let key = repo.address().transformation(id, transformation.schema().name);
    let latest = repo.address().latest(id);
    let fields = ["result", "result_until", "origin"];
    let read = fields.into_iter().fold(Command::new("HMGET").arg(key.clone()), Command::arg);
    let (record, start) = read_with_head(repo, read, &key, &latest, operation).await?;
    let [Reply::Data(json), until, origin] = &record[..] else { return Ok(None) };
    if start.is_empty() {
        return Ok(None);
    }
    // The record may belong to an earlier item with this id.
    let head = envelope::decode_header(&start, &latest, operation)?;
    if origin.as_text() != Some(head.origin()) || has_expired(repo, Some(until)) {
        return Ok(None);
    }
    envelope::decode_value(json, &key, operation).map(Some)
}

/// Reads from the record of a job and the start of its item's latest version, in one round trip.
async fn read_with_head<T: Document>(
    repo: &Repo<T>,
    read: Command,
    key: &str,
    latest: &str,
    operation: &'static str,
) -> Result<(Vec<Reply>, Bytes)> {
    let head = Command::new("GETRANGE").arg(latest.to_owned()).int(0).int(HEADER_LEN as u64 - 1);
    let replies = repo.store().reader().pipeline(vec![read, head]).await;
    let replies = replies.map_err(|fault| fault.into_error(operation).at(key))?;
    let mut replies = replies.into_iter();
    let record = replies.next().and_then(Reply::into_array).unwrap_or_default();
    let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
    Ok((record, start))
}

/// Whether a result with this `result_until` has outlived its time to live. It stays in the record
/// while a later job is live.
fn has_expired<T: Document>(repo: &Repo<T>, until: Option<&Reply>) -> bool {
    let until = until.and_then(Reply::as_u64).map(Timestamp::from_millis);
    until.is_some_and(|until| until <= repo.store().now())
}
