//! The server memory of a job that waits and of one that is finished, without the item's document:
//! the items are created before the first reading. A job of `BullMQ` has the id of an item as its
//! data.

use anyhow::{Result, bail, ensure};
use serde_json::json;
use ulid::Ulid;

use crate::bench::Bench;
use crate::contender::CONCURRENCY;
use crate::peers::Task;
use crate::settings::Settings;
use crate::settled::settled;
use crate::side::Side;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum State {
    Waiting,
    Finished,
}

#[allow(clippy::cast_precision_loss, reason = "no server has 2^52 bytes")]
pub(crate) async fn run(
    bench: &Bench,
    side: Side,
    state: State,
    settings: &Settings,
) -> Result<f64> {
    let jobs = settings.stored_jobs;
    // A byte for each job.
    let memory = || settled(jobs as u64, async || bench.used_memory().await);
    let (before, after) = match side {
        Side::Metastore => {
            let ids = bench.fill(jobs).await?;
            let before = memory().await?;
            bench.ours.enqueue_all(&ids).await?;
            if state == State::Finished {
                bench.ours.process_some(jobs).await?;
            }
            let waiting = bench.ours.waiting().await?;
            let expected = if state == State::Finished { 0 } else { jobs as u64 };
            ensure!(waiting == expected, "{waiting} jobs wait, expected {expected}");
            (before, memory().await?)
        }
        Side::Bullmq => {
            let document = json!({ "id": Ulid::generate().to_string() });
            let task = match state {
                State::Waiting => Task::Enqueue { document, jobs, tasks: settings.tasks },
                State::Finished => Task::Process { document, jobs, concurrency: CONCURRENCY },
            };
            let mut program = bench.external(side).await?;
            let before = memory().await?;
            program.time(&task).await?;
            (before, memory().await?)
        }
        _ => bail!("takes no part in this row"),
    };
    ensure!(after > before, "{after} bytes after {before}");
    Ok((after - before) as f64 / jobs as f64)
}
