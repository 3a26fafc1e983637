//! Requesting jobs: each task requests one after the other. In metastore each is a job on an item
//! of its own, whose document the worker receives; in `BullMQ` the document is the job's data.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::Load;
use crate::peers::Task;
use crate::settings::Settings;
use crate::side::Side;

/// How many times as many jobs as in the row `process`, since requesting is faster.
const TIMES: usize = 5;

pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let (jobs, tasks) = (settings.jobs * TIMES, settings.tasks);
    let load = match side {
        Side::Metastore => ours(bench, jobs, tasks).await?,
        Side::Bullmq => {
            let document = serde_json::to_value(Article::sample(0))?;
            let task = Task::Enqueue { document, jobs, tasks };
            let elapsed = bench.external(side).await?.time(&task).await?;
            Load::total(jobs as u64, elapsed)
        }
        _ => bail!("takes no part in this row"),
    };
    Ok(load.per_second())
}

async fn ours(bench: &Bench, jobs: usize, tasks: usize) -> Result<Load> {
    let ids: Arc<[String]> = bench.fill(jobs).await?.into();
    let mut running: JoinSet<Result<()>> = JoinSet::new();
    let start = Instant::now();
    for task in 0..tasks {
        let (ours, ids) = (bench.ours.clone(), ids.clone());
        running.spawn(async move {
            for id in ids.iter().skip(task).step_by(tasks) {
                ours.enqueue(id).await?;
            }
            Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let elapsed = start.elapsed();
    let waiting = bench.ours.waiting().await?;
    ensure!(waiting == jobs as u64, "{waiting} of {jobs} jobs wait");
    Ok(Load::total(jobs as u64, elapsed))
}
