//! A fault campaign on jobs: workers are killed, frozen, stopped and aborted by what they run,
//! connections cut, stalled and slowed down, requests cut, delayed and repeated, and the server is
//! restarted, frozen, filled, deprived of rights and set to another time, as chosen by a seed. At
//! the end every job is checked.
//!
//! `make chaos` runs it for minutes, the suite for seconds.

mod check;
mod faults;
mod findings;
mod history;
mod jobs;
mod latency;
mod options;
mod recovery;
mod runs;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::queue::{Queue, QueueStats};
use metastore::{Repo, Store};
use tempfile::TempDir;

pub use findings::Findings;
pub use history::History;
pub use latency::{Latency, measure as measure_latency};
pub use options::Options;
pub use workers::{LEASE, POLL, worker_main};

use crate::{Proxy, Server};
use faults::{Faults, Requests, USER};
use jobs::{Kind, Task};
use runs::Runs;
use workers::Workers;

/// How many jobs are requested one by one to measure the latency of their start.
const LATENCIES: usize = 500;

/// How long the work may take to complete after the last fault.
const CALM: Duration = Duration::from_secs(120);

/// How long to wait before the queues are looked at again.
const LOOK: Duration = Duration::from_millis(50);

/// The time that a busy machine may add to a recovery: scheduling, writes that wait for the disk,
/// and the observer's calls.
const SLACK: Duration = Duration::from_millis(400);

const PASSWORD: &str = "secret";

/// Runs a campaign.
///
/// # Errors
///
/// What is wrong, with the history.
///
/// # Panics
///
/// If the server cannot be started or set up as the options say.
pub async fn run(options: &Options) -> Result<Findings, String> {
    // The state of a campaign is large for a future that callers may keep on a stack.
    Box::pin(campaign(options)).await
}

async fn campaign(options: &Options) -> Result<Findings, String> {
    let users = TempDir::new().expect("a temporary directory should be creatable");
    let server = Arc::new(start_server(options, users.path()).await);
    let proxies = [Proxy::start(server.port()).await, Proxy::start(server.port()).await];
    let proxies: Arc<[Proxy]> = Arc::from(proxies);
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
    let url = |proxy: &Proxy| format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}", proxy.port());
    let urls: Vec<String> = proxies.iter().map(url).collect();
    let workers = Workers::start(options, &urls, history.clone());
    let mut faults = Faults::new(
        server.clone(),
        proxies.clone(),
        workers,
        tasks.clone(),
        history.clone(),
        random.fork(),
        options.clock,
    );
    let requests = Requests {
        proxies: proxies.clone(),
        history: history.clone(),
        random: random.fork(),
        quiet: faults.quiet.subscribe(),
    };
    let begin = Instant::now();
    let produced = jobs::produce(&tasks, options, random.fork());
    let injected = async {
        tokio::select! {
            () = faults.inject(options.length) => {}
            () = requests.inject() => {}
        }
        for proxy in proxies.iter() {
            proxy.disarm();
            proxy.deliver_held().await;
        }
        history.note("calm: no more faults");
        faults.end_all().await;
        // Poison pills may still abort workers.
        loop {
            faults.pause(LOOK).await;
        }
    };
    let planned = async {
        let planned = produced.await;
        let left = options.length.saturating_sub(begin.elapsed());
        tokio::time::sleep(left).await;
        (planned, completion(&tasks).await)
    };
    let (planned, completion) = tokio::select! {
        done = planned => done,
        () = injected => unreachable!("it never ends"),
    };
    if let Err(stats) = completion {
        return Err(history.told(options.seed, &[format!("the jobs do not end: {stats:?}")]));
    }
    let (recoveries, mut workers) = faults.into_parts();
    workers.stop_all().await;
    let runs = Runs::read(workers.logs());
    let checked = check::check(&tasks, &planned, &runs, options.max_crashes()).await;
    let mut findings = Findings {
        seed: options.seed,
        problems: checked.problems,
        jobs: checked.jobs,
        finished: checked.finished,
        dead: checked.dead,
        poison: planned.iter().filter(|task| task.kind == Kind::Aborts).count(),
        runs: runs.count,
        crashes: checked.crashes,
        faults: history.faults(),
        errors: runs.errors,
        recovered: recoveries.len(),
        longest_recovery: recoveries.iter().max().copied().unwrap_or_default(),
        latency,
        took: begin.elapsed(),
    };
    findings.problems.extend(workers.failed);
    if findings.longest_recovery > LEASE + POLL + SLACK {
        let longest = findings.longest_recovery;
        findings.problems.push(format!("a recovery took {longest:?}"));
    }
    if findings.problems.is_empty() {
        Ok(findings)
    } else {
        Err(format!("{}\n{findings}", history.told(options.seed, &findings.problems)))
    }
}

/// Starts a server with a user for the workers, whose rights are complete after each restart.
async fn start_server(options: &Options, directory: &Path) -> Server {
    let users = directory.join("users.acl");
    let rules =
        format!("user default on nopass ~* &* +@all\nuser {USER} on >{PASSWORD} ~* &* +@all\n");
    std::fs::write(&users, rules).expect("a temporary directory is writable");
    let users = users.to_str().expect("the path of a temporary directory is valid UTF-8");
    let server = Server::builder().append_only(true).settable_clock(options.clock);
    server.arg("--aclfile", users).arg("--maxmemory-policy", "noeviction").start().await
}

/// Waits until all jobs have ended. The error has the counters of the queues.
async fn completion(tasks: &Repo<Task>) -> Result<(), Vec<metastore::Result<QueueStats>>> {
    let queues = [Queue::new(tasks, Task::WORK), Queue::new(tasks, Task::CHECK)];
    let end = Instant::now() + CALM;
    loop {
        let mut found = Vec::new();
        for queue in &queues {
            found.push(queue.stats().await);
        }
        let is_empty = |stats: &QueueStats| stats.waiting + stats.delayed + stats.running == 0;
        if found.iter().all(|stats| stats.as_ref().is_ok_and(is_empty)) {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}
