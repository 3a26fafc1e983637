//! How long it takes until the jobs of a killed worker are brought back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Server;

/// A job that a worker held when it was killed.
struct Orphan {
    record: String,
    fence: String,
}

/// The jobs of a worker process, and when it was killed.
pub(super) struct Orphans {
    jobs: Vec<Orphan>,
    since: Instant,
}

const PREFIX: &str = "tests:chaos:tasks:";

impl Orphans {
    /// What the process holds; to be asked right before it is killed.
    pub(super) async fn of(server: &Server, process: u32) -> Self {
        let mut jobs = Vec::new();
        for name in ["work", "check"] {
            let leased = format!("queue:{PREFIX}{name}:leased").replace("tasks::", "tasks:");
            let ids = server.cli(&["ZRANGE", leased.as_str(), "0", "-1"]).await;
            for id in ids.as_strings() {
                let record = format!("{PREFIX}{id}:transformation:{name}");
                let found = server.cli(&["HGET", record.as_str(), "worker"]).await;
                let fence = server.cli(&["HGET", record.as_str(), "fence"]).await;
                let is_ours = format!("{found:?}").contains(&format!("{process}-"));
                if is_ours {
                    jobs.push(Orphan { record, fence: format!("{fence:?}") });
                }
            }
        }
        Self { jobs, since: Instant::now() }
    }

    /// Until none is left; how many there were, and how long that took.
    pub(super) async fn recovered(self, server: Arc<Server>) -> (usize, Duration) {
        let count = self.jobs.len();
        for job in self.jobs {
            loop {
                let state = server.cli(&["HGET", job.record.as_str(), "state"]).await;
                let fence = server.cli(&["HGET", job.record.as_str(), "fence"]).await;
                let runs_on = format!("{state:?}").contains("running");
                if !runs_on || format!("{fence:?}") != job.fence {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
        }
        (count, self.since.elapsed())
    }
}
