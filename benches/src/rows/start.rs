//! From requesting a job to the start of its handler: one job at a time, with pauses in which the
//! worker becomes idle.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::task::spawn_blocking;

use crate::bench::Bench;
use crate::document::Article;
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
            bench.ours.starts(&ids, PAUSE).await?
        }
        Side::Bullmq => {
            bench.empty().await?;
            let pause_micros = u64::try_from(PAUSE.as_micros())?;
            let task = Task::Start { document: Article::sample(0), jobs, pause_micros };
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
