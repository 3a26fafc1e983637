//! How long it takes until the jobs of a killed worker are returned to their queue, measured by the
//! server: the time from which a returned job could be taken again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Connection, Reply, Server};

/// A job that a worker held when it was killed.
struct Orphan {
    record: String,
    job: String,
    fence: String,
    crashes: u64,
}

/// The jobs of a worker process, and when it was killed.
pub(super) struct Orphans {
    jobs: Vec<Orphan>,
    connection: Connection,
    killed: Duration,
}

/// The times of returned jobs.
#[derive(Debug, Default)]
pub(super) struct Recoveries(pub(super) Vec<Duration>);

/// How often to check whether the process holds jobs.
const MOMENTS: usize = 100;

const TASKS: &str = "tests:chaos:tasks";

/// How long to watch a job that is never returned.
const PATIENCE: Duration = Duration::from_secs(20);

impl Orphans {
    /// Waits for a moment in which a process holds jobs, and kills it at that moment, by `kill`.
    pub(super) async fn of(server: &Server, process: u32, kill: impl FnOnce()) -> Self {
        let mut connection = server.connect().await.expect("the server is there");
        let mut jobs = held(&mut connection, process).await;
        for _ in 0..MOMENTS {
            if !jobs.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            jobs = held(&mut connection, process).await;
        }
        kill();
        let killed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { jobs, connection, killed }
    }

    /// Watches until each of them has been returned to its queue or has ended: its end may have
    /// been in flight.
    pub(super) async fn watch(mut self, into: &mut Recoveries) -> Vec<Duration> {
        let mut times = Vec::new();
        for orphan in self.jobs {
            loop {
                let [job, state, fence, crashes, since] = fields(
                    &mut self.connection,
                    &orphan.record,
                    ["job", "state", "fence", "crashes", "since"],
                )
                .await;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let waited = now.saturating_sub(self.killed);
                if job == orphan.job && number(&crashes) > orphan.crashes {
                    let since = Duration::from_millis(number(&since));
                    times.push(since.saturating_sub(self.killed));
                    break;
                }
                if job != orphan.job || fence != orphan.fence || state != "running" {
                    break;
                }
                if waited > PATIENCE {
                    times.push(waited);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        into.0.extend(&times);
        times
    }
}

/// The jobs that a process holds.
async fn held(connection: &mut Connection, process: u32) -> Vec<Orphan> {
    let mut jobs = Vec::new();
    for name in ["work", "check"] {
        let leased = format!("queue:{TASKS}:{name}:leased");
        let ids = call(connection, &["ZRANGE", &leased, "0", "-1"]).await;
        for id in ids.as_strings() {
            let record = format!("{TASKS}:{id}:transformation:{name}");
            let [worker, job, fence, crashes] =
                fields(connection, &record, ["worker", "job", "fence", "crashes"]).await;
            if worker.starts_with(&format!("{process}-")) {
                jobs.push(Orphan { record, job, fence, crashes: number(&crashes) });
            }
        }
    }
    jobs
}

async fn call(connection: &mut Connection, command: &[&str]) -> Reply {
    connection.call(command).await.expect("the server answers")
}

async fn fields<const N: usize>(
    connection: &mut Connection,
    record: &str,
    names: [&str; N],
) -> [String; N] {
    let command: Vec<&str> = ["HMGET", record].into_iter().chain(names).collect();
    let found = call(connection, &command).await;
    let text =
        |field: &Reply| if field.is_nil() { String::new() } else { field.as_str().to_owned() };
    let mut values = found.as_array().iter().map(text);
    std::array::from_fn(|_| values.next().unwrap_or_default())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}
