//! The tasks of the benchmark and the answers. The server is empty before each task.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    /// Adds jobs one by one from many tasks; answers with the time of all.
    Enqueue { document: Value, jobs: usize, tasks: usize },
    /// Adds jobs and processes them with a handler that does nothing; answers with the time from
    /// the start of the worker until the last result is stored.
    Process { document: Value, jobs: usize, concurrency: usize },
    /// Adds one job after the other to a queue whose worker is idle; answers with the times from
    /// before the job is added until its handler starts.
    Start { document: Value, jobs: usize, pause_micros: u64 },
}

/// The result of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Seconds(f64),
    Micros(Vec<f64>),
    Error(String),
}
