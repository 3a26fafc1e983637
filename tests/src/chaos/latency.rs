//! How soon an idle worker begins a job: from the request to the begin of its handler.

use std::fmt;
use std::time::{Duration, Instant};

use metastore::{Collection, Error, Item, Repo, Store};
use metastore_worker::Worker;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// An item whose jobs only say that they have begun.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "chaos", name = "probes", object_type = texts)]
#[transformation(ping -> u64)]
struct Probe {
    number: u64,
}

/// How often it may look without being told: never, as far as this goes.
const POLL: Duration = Duration::from_secs(3600);

/// From the request to the begin of the handler.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// How many jobs were measured, one after the other.
    pub jobs: usize,
    /// Half of them began sooner.
    pub p50: Duration,
    /// Of a hundred, 99 began sooner.
    pub p99: Duration,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "dispatch: p50 {:.1?}, p99 {:.1?}, from enqueue to handler start on an idle worker, over {} jobs; pushed: it \
             polls once an hour",
            self.p50, self.p99, self.jobs
        )
    }
}

/// Measures with a worker of its own that is never helped by a poll, and leaves nothing behind.
///
/// # Errors
///
/// What a call on the store gave.
///
/// # Panics
///
/// If the worker does not begin a job within 20 seconds.
pub async fn measure(url: &str, jobs: usize) -> Result<Latency, Error> {
    // Each side has connections of its own, as processes would.
    let worker_side: Repo<Probe> = Store::connect(url).await?.repo();
    let probes: Repo<Probe> = Store::connect(url).await?.repo();
    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let worker = Worker::builder(&worker_side)
        .handle(Probe::PING, move |item: Item<Probe>, _job| {
            let _ = began.send(Instant::now());
            async move { Ok::<_, String>(item.data.number) }
        })
        .poll_interval(POLL)
        .build()
        .start()
        .expect("these settings work");
    probes.create_with_id("probe", Probe { number: 7 }).await?;
    let soon = Duration::from_secs(20);
    let mut times = Vec::with_capacity(jobs);
    // The first ones send scripts and subscribe.
    for round in 0..jobs + 10 {
        let requested = Instant::now();
        let job = probes.item("probe").ping().enqueue().await?;
        let began = tokio::time::timeout(soon, begins.recv()).await;
        let began = began.expect("the worker begins the job").expect("the worker runs");
        if round >= 10 {
            times.push(began.duration_since(requested));
        }
        job.wait(soon).await?;
    }
    worker.stop().await;
    probes.delete("probe").await?;
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    Ok(Latency { jobs, p50: at(50), p99: at(99) })
}
