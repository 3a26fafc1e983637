//! What to measure and how long.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::contender::CONCURRENCY;
use crate::row::Row;
use crate::side::Side;

/// How many jobs are left in the shorter backlog after a run of `backlog`.
pub(crate) const FEW_JOBS: usize = 1_000;

/// How many workers are idle in the rows that compare them with one.
pub(crate) const IDLE_WORKERS: usize = 50;

/// What to measure and how long.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Settings {
    #[serde(skip)]
    pub(crate) rows: Vec<Row>,
    #[serde(skip)]
    pub(crate) peers: Vec<Side>,
    pub(crate) runs: usize,
    pub(crate) tasks: usize,
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub(crate) time: Duration,
    pub(crate) jobs: usize,
    /// How many jobs a run of `start` or of `idle-workers` starts.
    pub(crate) starts: usize,
    /// How many jobs a run of `waiting-memory` or `finished-memory` stores.
    pub(crate) stored_jobs: usize,
    pub(crate) many: usize,
    /// How many items the small variant of `page` and `memory` have.
    pub(crate) few: usize,
    /// How many structs `check` has.
    pub(crate) structs: usize,
    /// The numbers of tasks in the chart, and the rounds for each.
    pub(crate) concurrencies: Vec<usize>,
    pub(crate) rounds: usize,
    #[serde(skip)]
    pub(crate) chart: bool,
    #[serde(skip)]
    pub(crate) publish: Option<PathBuf>,
    #[serde(skip)]
    pub(crate) directory: PathBuf,
}

impl Settings {
    /// The name of a row in reports.
    pub(crate) fn name_of(&self, row: Row) -> String {
        let Self { tasks, many, few, structs, .. } = self;
        match row {
            Row::Get => format!("get, decoded, {tasks} tasks"),
            Row::Create => format!("create, validated, {tasks} tasks"),
            Row::CreateAudited => format!("create with audit, {tasks} tasks"),
            Row::CreateMany => "create_many in hundreds".to_owned(),
            Row::Update => format!("update, item in hand, {tasks} tasks"),
            Row::UpdateById => format!("update by id, {tasks} tasks"),
            Row::SingleGet => "get, 1 task".to_owned(),
            Row::SingleCreate => "create, 1 task".to_owned(),
            Row::SingleUpdate => "update, item in hand, 1 task".to_owned(),
            Row::SingleUpdateById => "update by id, 1 task".to_owned(),
            Row::Enqueue => format!("enqueue, {tasks} tasks"),
            Row::Process => format!("process, no-op handler, concurrency {CONCURRENCY}"),
            Row::Start => "enqueue to handler start, idle".to_owned(),
            Row::IdleWorkers => {
                format!("enqueue to handler start, {IDLE_WORKERS} idle workers, not 1")
            }
            Row::IdleWorkersCalls => {
                format!("scripts run for a job, {IDLE_WORKERS} idle workers, not 1")
            }
            Row::Backlog => format!("a job at a backlog of {many}, not {}", FEW_JOBS),
            Row::Page => format!("page of 50 at {many} items, deep cursor, not {few}"),
            Row::Memory => "server memory of a small document with one version".to_owned(),
            Row::WaitingMemory => "server memory of a waiting job".to_owned(),
            Row::FinishedMemory => "server memory of a finished job".to_owned(),
            Row::Check => format!("cargo check of {structs} collections"),
        }
    }

    /// The number of pairs of runs: fewer where a run takes long or has the same result each time.
    pub(crate) fn pairs_of(&self, row: Row) -> usize {
        match row {
            Row::IdleWorkersCalls
            | Row::Memory
            | Row::WaitingMemory
            | Row::FinishedMemory
            | Row::Check => self.runs.min(3),
            _ => self.runs,
        }
    }
}

fn as_seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
