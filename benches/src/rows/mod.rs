//! The rows: one kind of work per file, checked after every run.

mod backlog;
pub(crate) mod create;
mod create_many;
mod enqueue;
pub(crate) mod get;
mod memory;
mod page;
mod process;
mod start;
mod structs;
pub(crate) mod update;
mod update_by_id;

pub(crate) use backlog::Backlog;
pub(crate) use create::Creating;
pub(crate) use structs::Generated;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::bench::Bench;
use crate::cli::Settings;
use crate::contender::{CONCURRENCY, Contender};
use crate::side::Side;
use crate::unit::Unit;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Read a document and decode it, many tasks
    Get,
    /// Validate, encode and store a document with its index entry, many tasks
    Create,
    /// The same with an audit entry
    CreateAudited,
    /// The same in hundreds
    CreateMany,
    /// Write the next version of an item in hand, many tasks
    Update,
    /// Write the next version of an item known by its id, many tasks
    UpdateById,
    /// `get` from one task, which shows latency
    SingleGet,
    /// `create` from one task
    SingleCreate,
    /// `update` from one task
    SingleUpdate,
    /// `update-by-id` from one task
    SingleUpdateById,
    /// Request jobs, many tasks
    Enqueue,
    /// Process a backlog of jobs whose handler does nothing
    Process,
    /// From requesting a job to the start of its handler, when the worker is idle
    Start,
    /// What a job costs when a million wait
    Backlog,
    /// A page of 50 deep in a million items
    Page,
    /// What the server needs for a small document
    Memory,
    /// `cargo check` of many collections
    Check,
}

/// Every line of the report: the row, the peer, and the goal for the ratio if there is one.
pub(crate) const LINES: [(Row, Side, Option<f64>); 30] = [
    (Row::Get, Side::Fred, Some(1.4)),
    (Row::Get, Side::RedisRs, Some(1.6)),
    (Row::Create, Side::Fred, None),
    (Row::Create, Side::RedisRs, Some(1.8)),
    (Row::CreateAudited, Side::Fred, None),
    (Row::CreateAudited, Side::RedisRs, Some(1.2)),
    (Row::CreateMany, Side::Fred, None),
    (Row::CreateMany, Side::RedisRs, Some(0.9)),
    (Row::CreateMany, Side::Raw, None),
    (Row::Update, Side::Fred, None),
    (Row::Update, Side::RedisRs, Some(1.2)),
    (Row::UpdateById, Side::Fred, None),
    (Row::UpdateById, Side::RedisRs, Some(1.2)),
    (Row::SingleGet, Side::Fred, Some(1.1)),
    (Row::SingleCreate, Side::Fred, Some(1.1)),
    (Row::SingleUpdate, Side::Fred, Some(1.1)),
    (Row::SingleUpdateById, Side::Fred, Some(1.1)),
    (Row::Enqueue, Side::Bullmq, Some(2.0)),
    (Row::Process, Side::Bullmq, Some(4.0)),
    (Row::Process, Side::Apalis, Some(6.0)),
    (Row::Process, Side::BullmqNode, Some(5.0)),
    (Row::Process, Side::Fred, None),
    (Row::Process, Side::RedisRs, None),
    (Row::Process, Side::Raw, None),
    (Row::Start, Side::Bullmq, Some(0.5)),
    (Row::Start, Side::Raw, None),
    (Row::Backlog, Side::Fewer, Some(1.15)),
    (Row::Page, Side::Fewer, Some(1.3)),
    (Row::Memory, Side::RedisRs, Some(1.25)),
    (Row::Check, Side::Structs, Some(2.0)),
];

impl Row {
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Get | Self::Create | Self::CreateAudited | Self::Update | Self::UpdateById => {
                Unit::OperationsPerSecond
            }
            Self::CreateMany => Unit::DocumentsPerSecond,
            Self::SingleGet
            | Self::SingleCreate
            | Self::SingleUpdate
            | Self::SingleUpdateById
            | Self::Page => Unit::MicrosPerOperation,
            Self::Enqueue | Self::Process => Unit::JobsPerSecond,
            Self::Start => Unit::MicrosAtMost,
            Self::Backlog => Unit::MicrosPerJob,
            Self::Memory => Unit::BytesPerItem,
            Self::Check => Unit::Seconds,
        }
    }

    pub(crate) fn name(self, settings: &Settings) -> String {
        let Settings { tasks, many, few, structs, .. } = settings;
        match self {
            Self::Get => format!("get, decoded, {tasks} tasks"),
            Self::Create => format!("create, validated, {tasks} tasks"),
            Self::CreateAudited => format!("create with audit, {tasks} tasks"),
            Self::CreateMany => "create_many in hundreds".to_owned(),
            Self::Update => format!("update, item in hand, {tasks} tasks"),
            Self::UpdateById => format!("update by id, {tasks} tasks"),
            Self::SingleGet => "get, 1 task".to_owned(),
            Self::SingleCreate => "create, 1 task".to_owned(),
            Self::SingleUpdate => "update, item in hand, 1 task".to_owned(),
            Self::SingleUpdateById => "update by id, 1 task".to_owned(),
            Self::Enqueue => format!("enqueue, {tasks} tasks"),
            Self::Process => format!("process, no-op handler, concurrency {CONCURRENCY}"),
            Self::Start => "enqueue to handler start, idle".to_owned(),
            Self::Backlog => format!("a job at a backlog of {many}, not {}", backlog::FEW),
            Self::Page => format!("page of 50 at {many} items, deep cursor, not {few}"),
            Self::Memory => "server memory of a small document with one version".to_owned(),
            Self::Check => format!("cargo check of {structs} collections"),
        }
    }

    /// The number of pairs of runs: fewer where a run takes long or has the same result each time.
    pub(crate) fn pairs(self, settings: &Settings) -> usize {
        match self {
            Self::Memory | Self::Check => settings.runs.min(3),
            _ => settings.runs,
        }
    }

    /// Prepares, runs and checks the work of one side; returns its figure.
    pub(crate) async fn figure(
        self,
        side: Side,
        peer: Side,
        bench: &Bench,
        settings: &Settings,
    ) -> Result<f64> {
        let figure = async {
            match self {
                Self::Enqueue => enqueue::run(bench, side, settings).await,
                Self::Start => start::run(bench, side, settings).await,
                Self::Backlog => backlog::run(bench, side, settings).await,
                Self::Memory => memory::run(bench, side, settings).await,
                Self::Page => page::run(bench, side, settings).await,
                Self::Check => structs::run(bench, side, settings).await,
                Self::Process if matches!(side, Side::Bullmq | Side::BullmqNode | Side::Apalis) => {
                    process::run_external(bench, side, process::jobs(peer, settings)).await
                }
                Self::Process if side == Side::Raw => {
                    process::run_raw(bench, process::jobs(peer, settings)).await
                }
                Self::CreateMany if side == Side::Raw => create_many::run_raw(bench).await,
                _ => match side {
                    Side::Metastore => {
                        Box::pin(self.hand_written(bench, &bench.ours, peer, settings)).await
                    }
                    Side::Fred => self.hand_written(bench, &bench.fred, peer, settings).await,
                    Side::RedisRs => {
                        self.hand_written(bench, &bench.redis_rs, peer, settings).await
                    }
                    _ => bail!("takes no part in this row"),
                },
            }
        };
        Box::pin(figure).await.with_context(|| format!("{} on {side}", self.name(settings)))
    }

    /// The rows that are written once for metastore and for both clients.
    async fn hand_written<C: Contender>(
        self,
        bench: &Bench,
        side: &C,
        peer: Side,
        settings: &Settings,
    ) -> Result<f64> {
        let Settings { tasks, time, .. } = *settings;
        let load = match self {
            Self::Get => get::run(bench, side, tasks, time).await,
            Self::SingleGet => get::run(bench, side, 1, time).await,
            Self::Create => create::run(bench, side, Creating::Plain, tasks, time).await,
            Self::SingleCreate => create::run(bench, side, Creating::Plain, 1, time).await,
            Self::CreateAudited => create::run(bench, side, Creating::Audited, tasks, time).await,
            Self::CreateMany => create_many::run(bench, side, time).await,
            Self::Update => update::run(bench, side, tasks, time).await,
            Self::SingleUpdate => update::run(bench, side, 1, time).await,
            Self::UpdateById => update_by_id::run(bench, side, tasks, time).await,
            Self::SingleUpdateById => update_by_id::run(bench, side, 1, time).await,
            Self::Process => process::run(bench, side, process::jobs(peer, settings)).await,
            _ => bail!("has no hand-written counterpart"),
        };
        let per_second = load?.per_second();
        let micros = self.unit() == Unit::MicrosPerOperation;
        Ok(if micros { 1_000_000.0 / per_second } else { per_second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_line() {
        for row in Row::value_variants() {
            assert!(LINES.iter().any(|(of, ..)| of == row), "{row:?}");
        }
    }
}
