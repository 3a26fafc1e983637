//! The rows: one kind of work per file, checked after every run.

mod backlog;
mod check;
pub(crate) mod create;
mod create_many;
mod enqueue;
pub(crate) mod get;
mod idle_workers;
mod job_memory;
mod memory;
mod page;
mod process;
mod start;
pub(crate) mod update;
mod update_by_id;

pub(crate) use create::Creating;

use anyhow::{Context, Result, bail};
use job_memory::State;

use crate::bench::Bench;
use crate::contender::Contender;
use crate::row::Row;
use crate::settings::Settings;
use crate::side::Side;
use crate::unit::Unit;

/// Prepares, runs and checks the work of one side; returns its figure.
pub(crate) async fn figure(
    row: Row,
    side: Side,
    peer: Side,
    bench: &Bench,
    settings: &Settings,
) -> Result<f64> {
    let figure = async {
        match row {
            Row::Enqueue => enqueue::run(bench, side, settings).await,
            Row::Start => start::run(bench, side, settings).await,
            Row::IdleWorkers => idle_workers::run(bench, side, settings).await,
            Row::IdleWorkersCalls => idle_workers::run_script_calls(bench, side, settings).await,
            Row::Backlog => backlog::run(bench, side, settings).await,
            Row::Memory => memory::run(bench, side, settings).await,
            Row::WaitingMemory => job_memory::run(bench, side, State::Waiting, settings).await,
            Row::FinishedMemory => job_memory::run(bench, side, State::Finished, settings).await,
            Row::Page => page::run(bench, side, settings).await,
            Row::Check => check::run(bench, side, settings).await,
            Row::Process if matches!(side, Side::Bullmq | Side::BullmqNode | Side::Apalis) => {
                process::run_external(bench, side, process::jobs(peer, settings)).await
            }
            Row::Process if side == Side::Metastore => {
                process::run_ours(bench, process::jobs(peer, settings)).await
            }
            Row::Process if side == Side::Raw => {
                process::run_raw(bench, process::jobs(peer, settings)).await
            }
            Row::CreateMany if side == Side::Raw => create_many::run_raw(bench).await,
            _ => match side {
                Side::Metastore => Box::pin(shared(row, bench, &bench.ours, peer, settings)).await,
                Side::Fred => shared(row, bench, &bench.fred, peer, settings).await,
                Side::RedisRs => shared(row, bench, &bench.redis_rs, peer, settings).await,
                _ => bail!("takes no part in this row"),
            },
        }
    };
    Box::pin(figure).await.with_context(|| format!("{} on {side}", settings.name_of(row)))
}

/// The rows that are written once for metastore and for both clients.
async fn shared<C: Contender>(
    row: Row,
    bench: &Bench,
    side: &C,
    peer: Side,
    settings: &Settings,
) -> Result<f64> {
    let Settings { tasks, time, .. } = *settings;
    let load = match row {
        Row::Get => get::run(bench, side, tasks, time).await,
        Row::SingleGet => get::run(bench, side, 1, time).await,
        Row::Create => create::run(bench, side, Creating::Plain, tasks, time).await,
        Row::SingleCreate => create::run(bench, side, Creating::Plain, 1, time).await,
        Row::CreateAudited => create::run(bench, side, Creating::Audited, tasks, time).await,
        Row::CreateMany => create_many::run(bench, side, time).await,
        Row::Update => update::run(bench, side, tasks, time).await,
        Row::SingleUpdate => update::run(bench, side, 1, time).await,
        Row::UpdateById => update_by_id::run(bench, side, tasks, time).await,
        Row::SingleUpdateById => update_by_id::run(bench, side, 1, time).await,
        Row::Process => process::run(bench, side, process::jobs(peer, settings)).await,
        _ => bail!("has no hand-written counterpart"),
    };
    let per_second = load?.per_second();
    let micros = row.unit() == Unit::MicrosPerOperation;
    Ok(if micros { 1_000_000.0 / per_second } else { per_second })
}
