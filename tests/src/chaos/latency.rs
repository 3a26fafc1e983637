//! How soon an idle worker starts a job: from the request to the start of its handler.

use std::fmt;
use std::time::{Duration, Instant};

use metastore::{Collection, Error, Item, Repo, Store};
use metastore_worker::Worker;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// An item whose jobs only report that they have started.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "chaos", name = "probes", object_type = texts)]
#[transformation(ping -> u64)]
struct Probe {
    number: u64,
}

/// The poll interval: so long that no poll happens during the measurement.
const POLL: Duration = Duration::from_secs(3600);

/// The times from request to start of the handler.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// How many jobs were measured, one after the other.
    pub jobs: usize,
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
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

/// Measures with a worker of its own that never polls, and removes its data.
///
/// # Errors
///
/// The error of a call on the store.
///
/// # Panics
///
/// If the worker does not start a job within 20 seconds.
pub async fn measure(url: &str, jobs: usize) -> Result<Latency, Error> {
    // Each side has connections of its own, like separate processes.
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
