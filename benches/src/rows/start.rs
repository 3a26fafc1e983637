//! From requesting a job to the start of its handler: one job at a time, with pauses in which the
//! worker becomes idle.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::task::spawn_blocking;

use crate::bench::Bench;
use crate::document::Article;
use crate::idle::IdleWorkers;
use crate::peers::{Task, raw};
use crate::settings::Settings;
use crate::side::Side;

/// Long enough for a worker to become idle.
const PAUSE: Duration = Duration::from_millis(4);

pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let jobs = settings.starts;
    let mut micros = match side {
        Side::Metastore => {
            let ids = bench.fill(jobs).await?;
            let mut worker = IdleWorkers::start([bench.ours.articles().clone()])?;
            let micros = worker.time_starts(&bench.ours, &ids, PAUSE).await?;
            worker.stop(jobs).await?;
            micros
        }
        Side::Bullmq => {
            bench.empty().await?;
            let pause_micros = u64::try_from(PAUSE.as_micros())?;
            let document = serde_json::to_value(Article::sample(0))?;
            let task = Task::Start { document, jobs, pause_micros };
            bench.external(side).await?.micros(&task).await?
        }
        Side::Raw => {
            let (ids, port) = (bench.fill(jobs).await?, bench.server().port());
            spawn_blocking(move || raw::starts(port, &ids, PAUSE)).await??
        }
        _ => bail!("takes no part in this row"),
    };
    micros.sort_by(f64::total_cmp);
    micros.get(micros.len() * 99 / 100).copied().context("nothing was started")
}
