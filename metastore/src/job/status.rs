//! What is known of a job: its state, its times, its result.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::document::envelope::{self, HEAD_LEN};
use crate::document::transformation::Transformation;
use crate::error::Result;
use crate::key::Id;
use crate::redis::command::{Command, Reply};
use crate::repo::Repo;
use crate::time::Timestamp;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// It failed and waits for its next attempt.
    Delayed,
    /// It finished, and its result is stored.
    Done,
    /// It failed for good.
    Dead,
    /// It was cancelled.
    Cancelled,
}

impl JobState {
    /// The state in a word, as it stands in the job's record.
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

/// How far a running job is, as its handler says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What it is at.
    pub message: String,
    /// When it said so, on the clock of the worker's store.
    pub at: Timestamp,
}

impl Progress {
    /// A note of progress.
    #[must_use]
    pub fn new(fraction: f64, message: String, at: Timestamp) -> Self {
        Self { fraction, message, at }
    }
}

/// Everything that is known of a transformation of an item.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobStatus<R> {
    /// The id of the last requested job, a ULID.
    pub job: String,
    /// Where it stands.
    pub state: JobState,
    /// How many runs of it have failed, over the whole life of the job, until it is retried by hand. A run
    /// that a crash or a stop cut short is not among them.
    pub attempts: u32,
    /// How often a worker stopped or froze while it ran it.
    pub crashes: u32,
    /// The version that the current or last run works on.
    pub source_version: Option<u64>,
    /// When it was requested.
    pub enqueued_at: Option<Timestamp>,
    /// When the current or last run began.
    pub started_at: Option<Timestamp>,
    /// When it ended, for good or ill.
    pub finished_at: Option<Timestamp>,
    /// What the last failed run said.
    pub error: Option<String>,
    /// The trace context of whoever requested it.
    pub trace: Option<String>,
    /// How far the current run is, if it says so.
    pub progress: Option<Progress>,
    /// The job that follows, because the item changed while this one ran.
    pub next: Option<String>,
    /// The result of the last run that finished, of this or an earlier job.
    pub result: Option<R>,
    /// The job that the result is of.
    pub result_job: Option<String>,
    /// The version that the result was made from.
    pub result_version: Option<u64>,
    /// When the result was stored.
    pub result_at: Option<Timestamp>,
    /// The version that the item is at.
    pub item_version: u64,
}

impl<R> JobStatus<R> {
    /// Whether the item has changed since the result was made; false if there is none.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.result_version.is_some_and(|version| version < self.item_version)
    }
}

/// Reads a transformation's record and the version of its item.
pub(crate) async fn read_status<T: Document, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: Transformation<T, R>,
    operation: &'static str,
) -> Result<Option<JobStatus<R>>> {
    let key = repo.address().transformation(id, transformation.schema().name);
    let latest = repo.address().latest(id);
    let commands = vec![
        Command::new("HGETALL").arg(key.clone()),
        Command::new("GETRANGE").arg(latest.clone()).int(0).int(HEAD_LEN as u64 - 1),
    ];
    let mut replies = repo
        .store()
        .reader()
        .pipeline(commands)
        .await
        .map_err(|fault| fault.into_error(operation).at(key.clone()))?
        .into_iter();
    let mut fields = HashMap::new();
    let mut parts = replies.next().and_then(Reply::into_array).unwrap_or_default().into_iter();
    while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
        if let Some(field) = field.as_text() {
            fields.insert(field.to_owned(), value);
        }
    }
    let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
    if fields.is_empty() || start.is_empty() {
        return Ok(None);
    }
    let head = match envelope::decode_head(&start, &latest, operation) {
        Ok(head) => head,
        // Another tool may have written the document.
        Err(_) => match repo.heads(vec![latest], operation).await?.pop().flatten() {
            Some(head) => head,
            None => return Ok(None),
        },
    };
    if fields.get("origin").and_then(Reply::as_text) != Some(head.origin()) {
        // Left behind by an earlier item with the id, which a program deleted that knows no such
        // transformation.
        return Ok(None);
    }
    let item_version = head.version;
    let until = fields.get("result_until").and_then(Reply::as_u64).map(Timestamp::from_millis);
    let outlived = until.is_some_and(|until| until <= repo.store().now());
    if outlived {
        fields.remove("result");
        fields.remove("result_of");
    }
    let text = |field: &str| fields.get(field).and_then(Reply::as_text).map(str::to_owned);
    let number = |field: &str| fields.get(field).and_then(Reply::as_u64);
    let count = |field: &str| number(field).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let time = |field: &str| number(field).map(Timestamp::from_millis);
    // As `run_of` of jobs.lua writes it: job, fence, version, time.
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
        // Of no consequence enough to fail a status for.
        progress: text("progress").and_then(|json| serde_json::from_str(&json).ok()),
        next: text("next"),
        result,
        result_job,
        result_version,
        result_at,
        item_version,
    }))
}
