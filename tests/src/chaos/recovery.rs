//! How long it takes until the jobs of a killed worker are returned to their queue.

use std::path::Path;
use std::time::{Duration, Instant};

use metastore::{JobState, Repo, Timestamp};

use super::jobs::Task;
use super::runs;

/// A job that a worker held when it was killed.
#[derive(Debug)]
struct Orphan {
    item: String,
    transformation: String,
    job: String,
    started: Option<Timestamp>,
    crashes: u32,
}

/// The jobs of a worker process that was killed.
#[derive(Debug)]
pub(super) struct Orphans {
    tasks: Repo<Task>,
    waiting: Vec<Orphan>,
    killed: Instant,
    /// After how long each was returned.
    pub(super) times: Vec<Duration>,
}

/// How long to watch a job that is never returned.
const PATIENCE: Duration = Duration::from_secs(20);

impl Orphans {
    /// The jobs that a process holds, by the file of its runs; it is killed by `kill`.
    pub(super) async fn of(tasks: &Repo<Task>, log: &Path, kill: impl FnOnce()) -> Self {
        let mut waiting = Vec::new();
        for run in runs::unfinished(log) {
            let seen = see(tasks, &run.item, &run.transformation).await;
            if let Some(seen) = seen
                && seen.job == run.job
                && seen.state == JobState::Running
            {
                let (item, transformation) = (run.item, run.transformation);
                let Seen { job, started, crashes, .. } = seen;
                waiting.push(Orphan { item, transformation, job, started, crashes });
            }
        }
        kill();
        Self { tasks: tasks.clone(), waiting, killed: Instant::now(), times: Vec::new() }
    }

    /// Looks at the jobs that were not returned yet, and returns whether there are any left. A job
    /// that has ended is not counted: its end may have been in flight.
    pub(super) async fn look(&mut self) -> bool {
        let mut left = Vec::new();
        for orphan in std::mem::take(&mut self.waiting) {
            let seen = see(&self.tasks, &orphan.item, &orphan.transformation).await;
            let waited = self.killed.elapsed();
            match seen {
                Some(seen) if seen.job == orphan.job && orphan.was_returned(&seen) => {
                    self.times.push(waited);
                }
                Some(seen) if seen.job != orphan.job || seen.state != JobState::Running => {}
                _ if waited > PATIENCE => self.times.push(waited),
                _ => left.push(orphan),
            }
        }
        self.waiting = left;
        !self.waiting.is_empty()
    }
}

impl Orphan {
    fn was_returned(&self, seen: &Seen) -> bool {
        let runs_again = seen.started.is_some() && seen.started != self.started;
        seen.crashes > self.crashes || seen.state == JobState::Queued || runs_again
    }
}

/// What the library says of a job.
struct Seen {
    job: String,
    state: JobState,
    started: Option<Timestamp>,
    crashes: u32,
}

async fn see(tasks: &Repo<Task>, item: &str, transformation: &str) -> Option<Seen> {
    let transformation = if transformation == "work" { Task::WORK } else { Task::CHECK };
    let status = tasks.item(item).transformation(transformation).status().await.ok()??;
    Some(Seen {
        job: status.job,
        state: status.state,
        started: status.started_at,
        crashes: status.crashes,
    })
}
