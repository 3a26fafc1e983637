//! `JobStatus`: the state of a job and its times.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The status of a transformation of an item: its last job, and which run its last result is of. To
/// read the result itself, call [`ItemTransformation::result`](crate::ItemTransformation::result).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobStatus {
    /// The id of the last requested job, a ULID.
    pub job: String,
    /// The state of that job.
    pub state: JobState,
    /// How many runs of the job have failed. An explicit retry of a dead or cancelled job resets
    /// the number. A run that was interrupted by a crash or a shutdown does not count.
    pub attempts: u32,
    /// How often a worker crashed or froze while it ran this job alone.
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
    /// The id of the job that produced the last result, this one or an earlier one; `None` if there
    /// is no result.
    pub result_job: Option<String>,
    /// The version of the item that the result was computed from.
    pub result_version: Option<u64>,
    /// When the result was stored.
    pub result_at: Option<Timestamp>,
    /// The current version of the item.
    pub item_version: u64,
}

impl JobStatus {
    /// Whether the item has changed since the result was computed; false if there is no result.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.result_version.is_some_and(|version| version < self.item_version)
    }
}
