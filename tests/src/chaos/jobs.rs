//! The jobs of a campaign, and their expected ends.

use std::time::{Duration, Instant};

use metastore::{Collection, EnqueueOptions, Item, Priority, Repo};
use metastore_worker::{Fatal, JobContext};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use validator::Validate;

use super::Options;

/// What a task does when its handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
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
    /// It aborts the process of its worker each time, so it is dead after some crashes.
    Aborts,
}

/// A task of a campaign.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "chaos", name = "tasks", object_type = texts)]
#[transformation(work -> Outcome, retries = 3, retry_delay = "40ms", timeout = "20s")]
#[transformation(check -> Outcome, after = work)]
pub(super) struct Task {
    pub(super) kind: Kind,
    /// The name of the kind.
    #[index]
    pub(super) label: String,
    /// How long it takes.
    pub(super) millis: u64,
    /// How often the task was changed after its job was requested.
    #[index(range)]
    pub(super) round: u64,
}

/// The result of a handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The job that it ran.
    pub(super) job: String,
    /// Its fence.
    pub(super) fence: u64,
}

/// Runs the handler of a task.
///
/// # Errors
///
/// As the task's kind says.
pub(super) async fn handle(
    item: Item<Task>,
    job: JobContext,
) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>> {
    sleep(Duration::from_millis(item.data.millis)).await;
    match item.data.kind {
        Kind::Fails => Err("it always fails".into()),
        Kind::IsFatal => Err(Fatal::new("non-retryable").into()),
        Kind::FailsOnce if job.attempt == 1 => Err("it fails once".into()),
        Kind::PanicsOnce if job.attempt == 1 => panic!("it panics once"),
        Kind::Aborts => std::process::abort(),
        _ => Ok(Outcome { job: job.id, fence: job.fence }),
    }
}

/// A task that was requested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) kind: Kind,
    pub(super) round: u64,
}

/// Creates tasks and requests their jobs, spread over the campaign. Returns them by their number.
pub(super) async fn produce(
    tasks: &Repo<Task>,
    options: &Options,
    mut random: fastrand::Rng,
) -> Vec<Planned> {
    let begin = Instant::now();
    let mut planned = Vec::with_capacity(options.jobs);
    for number in 0..options.jobs {
        let kind = match random.u8(..100) {
            0..3 => Kind::Fails,
            3..6 => Kind::IsFatal,
            6..12 => Kind::FailsOnce,
            12..15 => Kind::PanicsOnce,
            _ => Kind::Succeeds,
        };
        let kind = if options.aborts(number) { Kind::Aborts } else { kind };
        // Some outlast their lease many times over, so that it has to be renewed.
        let millis = if random.u8(..50) == 0 { 2_500 } else { random.u64(0..40) };
        let priority = [Priority::High, Priority::Normal, Priority::Low][random.usize(..3)];
        let options_of_job = EnqueueOptions::new().priority(priority);
        let round = u64::from(random.u8(..8) == 0);
        let task = Task { kind, label: format!("{kind:?}"), millis, round: 0 };
        request(tasks, number, task, &options_of_job).await;
        if round > 0 {
            change(tasks, number, round).await;
        }
        planned.push(Planned { kind, round });
        let due = options.length.mul_f64(fraction(number + 1, options.jobs) * 0.95);
        sleep(due.saturating_sub(begin.elapsed())).await;
    }
    planned
}

#[allow(clippy::cast_precision_loss, reason = "a fraction of a campaign need not be exact")]
fn fraction(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// How long to wait before a call is repeated.
const PAUSE: Duration = Duration::from_millis(20);

/// Repeats a request until it succeeds, as a caller would.
async fn request(tasks: &Repo<Task>, number: usize, task: Task, options: &EnqueueOptions) {
    let id = format!("t{number}");
    while let Err(error) = tasks.create_with_id(id.as_str(), task.clone()).await {
        // An earlier attempt with an unknown outcome.
        if error.is_conflict() {
            break;
        }
        sleep(PAUSE).await;
    }
    while tasks.item(&id).work().enqueue_with(options.clone()).await.is_err() {
        // The job may have been requested, and it may have ended, after which another request
        // would make it run once more.
        loop {
            match tasks.item(&id).work().status().await {
                Ok(Some(_)) => return,
                Ok(None) => break,
                Err(_) => sleep(PAUSE).await,
            }
        }
        sleep(PAUSE).await;
    }
}

/// Changes a task, whose job may be running, so that its index entries change.
async fn change(tasks: &Repo<Task>, number: usize, round: u64) {
    let id = format!("t{number}");
    while tasks.update(&id, Task::patch().round(round)).await.is_err() {
        sleep(PAUSE).await;
    }
}
