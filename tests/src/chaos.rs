//! A fault campaign on jobs: workers are killed, frozen and stopped, connections cut, scripts
//! flushed and the server restarted, as chosen by a seed. At the end every job is checked.
//!
//! `make chaos` runs it for minutes, the suite for seconds.

mod check;
mod faults;
mod history;
mod jobs;
mod latency;
mod options;
mod recovery;
mod workers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::queue::Queue;
use metastore::{Repo, Store};

pub use check::Findings;
pub use history::History;
pub use jobs::{Kind, Outcome, Task, handle};
pub use latency::{Latency, measure as measure_latency};
pub use options::Options;
pub use workers::{LEASE, MAX_CRASHES, POLL, worker_main};

use crate::{Proxy, Server, wait};
use faults::Faults;
use workers::Workers;

/// How many jobs are requested one by one to measure the latency of their start.
const LATENCIES: usize = 500;

/// How long the work may take to complete after the last fault.
const CALM: Duration = Duration::from_secs(120);

/// Runs a campaign.
///
/// # Errors
///
/// What is wrong, with the history.
///
/// # Panics
///
/// If the server cannot be started, or the work does not complete.
pub async fn run(options: &Options) -> Result<Findings, String> {
    let server = Arc::new(Server::builder().append_only(true).start().await);
    let proxies = [Proxy::start(server.port()).await, Proxy::start(server.port()).await];
    let proxies = Arc::new(proxies);
    // Before other workers and faults start.
    let latency =
        latency::measure(&server.url(), LATENCIES).await.map_err(|error| error.to_string())?;
    let store = Store::options()
        .audit(true)
        .command_timeout(Duration::from_millis(500))
        .connect(server.url())
        .await
        .map_err(|error| error.to_string())?;
    let tasks = store.repo::<Task>();
    let history = History::default();
    let mut random = fastrand::Rng::with_seed(options.seed);
    let workers = Workers::start(options, &proxies, history.clone()).await;
    let mut faults =
        Faults::new(server.clone(), proxies.clone(), workers, history.clone(), random.fork());
    let begin = Instant::now();
    let produced = jobs::produce(&tasks, options.jobs, options.length, random.fork());
    let injected = faults.inject(options.length);
    let (kinds, ()) = tokio::join!(produced, injected);
    history.note("calm: no more faults");
    faults.end_all().await;
    let (recoveries, mut workers) = faults.into_parts();
    let queues = [Queue::new(&tasks, Task::WORK), Queue::new(&tasks, Task::CHECK)];
    let ended = tokio::time::timeout(CALM, async {
        wait::until("all jobs to end", CALM, async || is_over(&queues).await).await;
    });
    if ended.await.is_err() {
        return Err(history.told(options.seed, &["the jobs do not come to an end".to_owned()]));
    }
    workers.stop_all().await;
    let findings =
        check::check(&server, &tasks, &kinds, latency, recoveries, &history, begin.elapsed()).await;
    if findings.problems.is_empty() {
        Ok(findings)
    } else {
        Err(history.told(options.seed, &findings.problems))
    }
}

async fn is_over(queues: &[Queue<Task>]) -> bool {
    for queue in queues {
        match queue.stats().await {
            Ok(stats) if stats.waiting + stats.delayed + stats.running == 0 => {}
            _ => return false,
        }
    }
    true
}

/// The tasks of a store.
#[must_use]
pub fn tasks(store: &Store) -> Repo<Task> {
    store.repo()
}
