//! The rows: one operation a file, each checked after every run.

mod create;
mod get;
mod process;
mod update;
mod update_by_id;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::bench::Bench;
use crate::cli::Settings;
use crate::contender::{CONCURRENCY, Contender};
use crate::unit::Unit;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Read a document and decode it
    Get,
    /// Validate, encode and store a document with its index entry
    Create,
    /// Write the next version of an item in hand
    Update,
    /// Write the next version of an item known by its id
    UpdateById,
    /// Work off a backlog of jobs whose handler does nothing
    Process,
}

/// A row with its size.
pub(crate) struct Plan {
    row: Row,
    tasks: usize,
    time: Duration,
    jobs: usize,
}

impl Plan {
    /// The row with many tasks, which shows throughput, and with one, which shows latency.
    pub(crate) fn all(row: Row, settings: &Settings) -> Vec<Self> {
        let plan = |tasks| Self { row, tasks, time: settings.time, jobs: settings.jobs };
        match (row, settings.tasks) {
            (Row::Process, _) => vec![plan(CONCURRENCY)],
            (_, 1) => vec![plan(1)],
            (_, tasks) => vec![plan(tasks), plan(1)],
        }
    }

    pub(crate) fn unit(&self) -> Unit {
        match (self.row, self.tasks) {
            (Row::Process, _) => Unit::JobsPerSecond,
            (_, 1) => Unit::MicrosPerOperation,
            _ => Unit::OperationsPerSecond,
        }
    }

    pub(crate) fn name(&self) -> String {
        let name = match self.row {
            Row::Get => "get",
            Row::Create => "create",
            Row::Update => "update, item in hand",
            Row::UpdateById => "update by id",
            Row::Process => return format!("process, concurrency {CONCURRENCY}"),
        };
        match self.tasks {
            1 => format!("{name}, 1 task"),
            tasks => format!("{name}, {tasks} tasks"),
        }
    }

    /// Prepares, runs and checks the work of one side; gives its speed per second.
    pub(crate) async fn run<C: Contender>(&self, bench: &Bench, side: &C) -> Result<f64> {
        let load = match self.row {
            Row::Get => get::run(bench, side, self.tasks, self.time).await,
            Row::Create => create::run(bench, side, self.tasks, self.time).await,
            Row::Update => update::run(bench, side, self.tasks, self.time).await,
            Row::UpdateById => update_by_id::run(bench, side, self.tasks, self.time).await,
            Row::Process => process::run(bench, side, self.jobs).await,
        };
        let load = load.with_context(|| format!("{} on {}", self.name(), C::NAME))?;
        Ok(load.per_second())
    }
}
