//! Many tasks that repeat one operation, and how fast they were.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

/// How many preparations run at once.
const PREPARATIONS: usize = 256;

/// What one task repeats.
pub(crate) trait Task: Send + 'static {
    /// One operation. An error ends the whole measurement, so that failures are never fast.
    fn step(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Operations and the time they took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
    /// The time of an operation: median and 99th percentile; zero if not requested.
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl Load {
    /// Without the times of single operations.
    pub(crate) fn total(operations: u64, elapsed: Duration) -> Self {
        Self { operations, elapsed, median: Duration::ZERO, p99: Duration::ZERO }
    }

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
    let mut running: JoinSet<Result<Vec<Duration>>> = JoinSet::new();
    for mut task in tasks {
        running.spawn(async move {
            let (mut times, mut began) = (Vec::new(), Instant::now());
            loop {
                task.step().await?;
                let ended = Instant::now();
                times.push(ended.duration_since(began));
                if ended >= deadline {
                    return Ok(times);
                }
                began = ended;
            }
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        times.append(&mut ended??);
    }
    let elapsed = start.elapsed();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Ok(Load { operations: times.len() as u64, elapsed, median: at(50), p99: at(99) })
}

/// Runs untimed preparations, many at once; returns their results in any order.
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
