//! One job at a time, requested while many workers are idle, compared with one idle worker. Each
//! worker has a connection of its own, as in a process of its own.
//!
//! A job concerns one worker, so its cost should not depend on the number of the others.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use metastore::Store;

use crate::bench::Bench;
use crate::idle::IdleWorkers;
use crate::settings::{IDLE_WORKERS, Settings};
use crate::settled::settled;
use crate::side::Side;

/// Long enough for all workers to become idle, even if each of them is woken for each job.
const PAUSE: Duration = Duration::from_millis(10);

/// The script calls of a job on the server and the 99th percentile of the time until its start.
struct Cost {
    script_calls: f64,
    micros: f64,
}

/// The time from requesting a job to the start of its handler.
pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    Ok(measure(bench, side, settings).await?.micros)
}

/// How many scripts the server runs for a job, from its request until its result is stored.
pub(crate) async fn run_script_calls(
    bench: &Bench,
    side: Side,
    settings: &Settings,
) -> Result<f64> {
    Ok(measure(bench, side, settings).await?.script_calls)
}

#[allow(clippy::cast_precision_loss, reason = "no run comes near 2^52 calls")]
async fn measure(bench: &Bench, side: Side, settings: &Settings) -> Result<Cost> {
    let workers = match side {
        Side::Metastore => IDLE_WORKERS,
        Side::Fewer => 1,
        _ => bail!("takes no part in this row"),
    };
    let (jobs, url) = (settings.starts, bench.server().url());
    let ids = bench.fill(jobs).await?;
    let stores = try_join_all((0..workers).map(|_| Store::connect(url.clone()))).await?;
    let mut workers = IdleWorkers::start(stores.iter().map(Store::repo))?;
    // What the workers do as they start does not count, and what follows the last job does.
    let before = settled(0, async || Ok(bench.script_calls().await)).await?;
    let mut micros = workers.time_starts(&bench.ours, &ids, PAUSE).await?;
    let after = settled(0, async || Ok(bench.script_calls().await)).await?;
    workers.stop(jobs).await?;

    micros.sort_by(f64::total_cmp);
    let p99 = micros.get(micros.len() * 99 / 100).copied().context("nothing was started")?;
    Ok(Cost { script_calls: (after - before) as f64 / jobs as f64, micros: p99 })
}
