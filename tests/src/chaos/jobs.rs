//! The jobs of a campaign, and their expected ends.

use std::time::{Duration, Instant};

use metastore::{Collection, EnqueueOptions, Item, Priority, Repo};
use metastore_worker::{Fatal, JobContext};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use validator::Validate;

/// What a task does when its handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It takes some milliseconds and succeeds.
    Succeeds,
    /// It fails at the first attempt.
    FailsOnce,
    /// It panics at the first attempt.
    PanicsOnce,
    /// It fails at every attempt, so it is dead after four.
    Fails,
    /// It fails with a non-retryable error, so it is dead after one attempt.
    IsFatal,
}

/// A task of a campaign.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "chaos", name = "tasks", object_type = texts)]
#[transformation(work -> Outcome, retries = 3, retry_delay = "40ms", timeout = "20s")]
#[transformation(check -> Outcome, after = work)]
pub struct Task {
    /// What it does.
    pub kind: Kind,
    /// How long it takes.
    pub millis: u64,
}

/// The result of a handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The job that it ran.
    pub job: String,
    /// Its fence.
    pub fence: u64,
}

/// Runs the handler of a task.
///
/// # Errors
///
/// As the task's kind says.
pub async fn handle(
    item: Item<Task>,
    job: JobContext,
) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>> {
    sleep(Duration::from_millis(item.data.millis)).await;
    match item.data.kind {
        Kind::Fails => Err("it always fails".into()),
        Kind::IsFatal => Err(Fatal::new("non-retryable").into()),
        Kind::FailsOnce if job.attempt == 1 => Err("it fails once".into()),
        Kind::PanicsOnce if job.attempt == 1 => panic!("it panics once"),
        _ => Ok(Outcome { job: job.id, fence: job.fence }),
    }
}

/// Creates tasks and requests their jobs, spread over `length`. Returns the kind of each, by its
/// number.
pub(super) async fn produce(
    tasks: &Repo<Task>,
    count: usize,
    length: Duration,
    mut random: fastrand::Rng,
) -> Vec<Kind> {
    let begin = Instant::now();
    let mut kinds = Vec::with_capacity(count);
    for number in 0..count {
        let kind = match random.u8(..100) {
            0..3 => Kind::Fails,
            3..6 => Kind::IsFatal,
            6..12 => Kind::FailsOnce,
            12..15 => Kind::PanicsOnce,
            _ => Kind::Succeeds,
        };
        // Some outlast their lease many times over, so that it has to be renewed.
        let millis = if random.u8(..50) == 0 { 2_500 } else { random.u64(0..40) };
        let priority = [Priority::High, Priority::Normal, Priority::Low][random.usize(..3)];
        let options = EnqueueOptions::new().priority(priority);
        kinds.push(kind);
        request(tasks, number, Task { kind, millis }, &options).await;
        let planned = length.mul_f64(fraction(number + 1, count) * 0.95);
        sleep(planned.saturating_sub(begin.elapsed())).await;
    }
    kinds
}

#[allow(clippy::cast_precision_loss, reason = "a fraction of a campaign need not be exact")]
fn fraction(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// Repeats a request until it succeeds, as a caller would.
async fn request(tasks: &Repo<Task>, number: usize, task: Task, options: &EnqueueOptions) {
    let id = format!("t{number}");
    while let Err(error) = tasks.create_with_id(id.as_str(), task.clone()).await {
        // An earlier attempt with an unknown outcome.
        if error.is_conflict() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    while tasks.item(&id).work().enqueue_with(options.clone()).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
}
