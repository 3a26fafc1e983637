//! Many tasks that repeat one operation, and how fast they were.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

/// How many preparations are under way at once.
const PREPARATIONS: usize = 256;

/// What one task does again and again.
pub(crate) trait Task: Send + 'static {
    /// One operation. An error ends the whole measurement: no side gets away with failing.
    fn step(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What was done in which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
}

impl Load {
    #[allow(clippy::cast_precision_loss, reason = "no run comes near 2^52 operations")]
    pub(crate) fn per_second(self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }
}

/// Lets each task repeat its step until the time is up. The time runs until the last reply.
pub(crate) async fn drive<T: Task>(
    tasks: impl IntoIterator<Item = T>,
    time: Duration,
) -> Result<Load> {
    let start = Instant::now();
    let deadline = start + time;
    let mut running: JoinSet<Result<u64>> = JoinSet::new();
    for mut task in tasks {
        running.spawn(async move {
            let mut operations = 0;
            loop {
                task.step().await?;
                operations += 1;
                if Instant::now() >= deadline {
                    return Ok(operations);
                }
            }
        });
    }
    let mut operations = 0;
    while let Some(ended) = running.join_next().await {
        operations += ended??;
    }
    Ok(Load { operations, elapsed: start.elapsed() })
}

/// Runs preparations that are not timed, many at once; gives their results in any order.
pub(crate) async fn prepare<R, F>(work: impl IntoIterator<Item = F>) -> Result<Vec<R>>
where
    R: Send + 'static,
    F: Future<Output = Result<R>> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut results = Vec::new();
    for future in work {
        if running.len() >= PREPARATIONS
            && let Some(ended) = running.join_next().await
        {
            results.push(ended??);
        }
        running.spawn(future);
    }
    while let Some(ended) = running.join_next().await {
        results.push(ended??);
    }
    Ok(results)
}
