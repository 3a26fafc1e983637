//! The cost of a job when very many wait. The same number of jobs is processed with both backlogs.

use anyhow::{Result, bail, ensure};

use crate::bench::{Bench, Crowd};
use crate::ours::Metastore;
use crate::settings::{FEW_JOBS, Settings};
use crate::side::Side;

#[allow(clippy::cast_precision_loss, reason = "no run comes near 2^52 jobs")]
pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let jobs = settings.jobs;
    let (handled, elapsed) = match side {
        Side::Metastore => {
            // The jobs of a run are few among all, so the backlog stays about as long.
            let crowd = bench.crowd(settings.many).await?;
            crowd.backlog.get_or_try_init(|| request(&crowd)).await?;
            let waiting = crowd.ours().waiting().await?;
            ensure!(waiting >= jobs as u64, "only {waiting} jobs are left");
            crowd.ours().process_some(jobs).await?
        }
        Side::Fewer => {
            let ids = bench.fill(FEW_JOBS + jobs).await?;
            bench.ours.enqueue_all(&ids).await?;
            bench.ours.process_some(jobs).await?
        }
        _ => bail!("takes no part in this row"),
    };
    Ok(elapsed.as_secs_f64() * 1e6 / handled as f64)
}

async fn request(crowd: &Crowd) -> Result<()> {
    let ours = Metastore::of(crowd.articles.clone());
    ours.enqueue_all(&crowd.ids).await
}
