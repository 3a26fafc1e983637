//! Processing a backlog of jobs. The handler does nothing, so the queue is measured.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::spawn_blocking;

use crate::bench::Bench;
use crate::contender::{CONCURRENCY, Contender};
use crate::document::Article;
use crate::load::{Load, prepare};
use crate::peers::{Task, keys, raw};
use crate::settings::Settings;
use crate::side::Side;

/// Counts the records that hold a result.
const COUNT_RESULTS: &str = "\
    local count = 0 \
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do \
      count = count + redis.call('HEXISTS', key, 'result') \
    end \
    return count";

/// With a longer backlog the worker of apalis-redis fails: "too many results to unpack".
const APALIS_SURVIVES: usize = 5_000;

/// The most keys that do not belong to one job.
const OTHER_KEYS: usize = 16;

/// How many jobs both sides process in a run against this peer.
pub(crate) fn jobs(peer: Side, settings: &Settings) -> usize {
    if peer == Side::Apalis { settings.jobs.min(APALIS_SURVIVES) } else { settings.jobs }
}

/// A job queue creates its own jobs.
pub(crate) async fn run_external(bench: &Bench, side: Side, jobs: usize) -> Result<f64> {
    let document = serde_json::to_value(Article::sample(0))?;
    let task = Task::Process { document, jobs, concurrency: CONCURRENCY };
    let elapsed = bench.external(side).await?.time(&task).await?;
    Ok(Load::total(jobs as u64, elapsed).per_second())
}

/// By metastore, whose queue is checked through its API: how it is stored may change.
pub(crate) async fn run_ours(bench: &Bench, jobs: usize) -> Result<f64> {
    let ids = bench.fill(jobs).await?;
    let elapsed = Box::pin(process(&bench.ours, &ids)).await?;
    bench.ours.check_processed(&ids).await?;
    // A document and a record for each job, and the keys of indexes and of the queue.
    let keys = bench.server().dbsize().await;
    ensure!(usize::try_from(keys)? <= 2 * jobs + OTHER_KEYS, "{keys} keys after {jobs} jobs");
    Ok(Load::total(jobs as u64, elapsed).per_second())
}

/// With hand-written code.
pub(crate) async fn run<C: Contender>(bench: &Bench, side: &C, jobs: usize) -> Result<Load> {
    let ids = bench.fill(jobs).await?;
    let elapsed = process(side, &ids).await?;
    check(bench, jobs as u64).await?;
    Ok(Load::total(jobs as u64, elapsed))
}

/// Requests a job on each item, then processes all; only that is timed.
async fn process<C: Contender>(side: &C, ids: &[String]) -> Result<Duration> {
    prepare(ids.iter().map(|id| {
        let (side, id) = (side.clone(), id.clone());
        async move { side.enqueue(&id).await }
    }))
    .await?;
    side.process(ids.len()).await
}

/// Through a bare socket.
pub(crate) async fn run_raw(bench: &Bench, jobs: usize) -> Result<f64> {
    let (ids, port) = (bench.fill(jobs).await?, bench.server().port());
    let elapsed = spawn_blocking(move || raw::process(port, &ids)).await??;
    check(bench, jobs as u64).await?;
    Ok(Load::total(jobs as u64, elapsed).per_second())
}

/// Checks that each job has a result and that none waits or runs.
async fn check(bench: &Bench, jobs: u64) -> Result<()> {
    let records = keys::record("*");
    let results = bench.server().cli(&["EVAL", COUNT_RESULTS, "0", &records]).await.as_int();
    ensure!(u64::try_from(results) == Ok(jobs), "{results} results of {jobs} jobs");
    // Documents, records, the index, and in the raw row the index of results. A job that still
    // waits or runs would be an additional key.
    let index_of_results = bench.exists(keys::RESULTS).await?;
    bench.check_keys(2 * jobs + 1 + index_of_results).await
}
