//! bullmq-official: results are kept by default, and so are its leases (locks, renewed).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bullmq::options::RedisConnectionOptions;
use bullmq::worker::WorkerEvent;
use bullmq::{BulkJob, Job, Queue, QueueOptions, Worker, WorkerOptions};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::task::{Answer, Task};

const QUEUE: &str = "digests";
const JOB: &str = "digest";

/// A job that has not been processed by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// The concurrency of a worker that is mostly idle.
const IDLE_CONCURRENCY: usize = 8;

pub(crate) async fn carry_out(url: &str, task: Task) -> Result<Answer> {
    let queue = Queue::with_options(QUEUE, QueueOptions::new().connection(connection(url))).await?;
    match task {
        Task::Enqueue { document, jobs, tasks } => enqueue(queue, document, jobs, tasks).await,
        Task::Process { document, jobs, concurrency } => {
            process(url, &queue, document, jobs, concurrency).await
        }
        Task::Start { document, jobs, pause_micros } => {
            start(url, &queue, document, jobs, Duration::from_micros(pause_micros)).await
        }
    }
}

fn connection(url: &str) -> RedisConnectionOptions {
    RedisConnectionOptions { url: url.to_owned(), ..RedisConnectionOptions::default() }
}

async fn enqueue(queue: Queue, document: Value, jobs: usize, tasks: usize) -> Result<Answer> {
    let queue = Arc::new(queue);
    let mut running: JoinSet<Result<()>> = JoinSet::new();
    let start = Instant::now();
    for task in 0..tasks {
        let (queue, document) = (queue.clone(), document.clone());
        running.spawn(async move {
            for _ in (task..jobs).step_by(tasks) {
                queue.add(JOB, document.clone()).await?;
            }
            Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let waiting = queue.get_waiting_count().await?;
    ensure!(waiting == jobs as u64, "{waiting} of {jobs} jobs wait");
    Ok(Answer::Seconds(seconds))
}

async fn process(
    url: &str,
    queue: &Queue,
    document: Value,
    jobs: usize,
    concurrency: usize,
) -> Result<Answer> {
    let bulk = |_| BulkJob::new(JOB, document.clone());
    for first in (0..jobs).step_by(1_000) {
        queue.add_bulk((first..jobs.min(first + 1_000)).map(bulk).collect()).await?;
    }
    let options = WorkerOptions::new().connection(connection(url)).concurrency(concurrency);
    let start = Instant::now();
    let handler = |_job: Job, _token| async { Ok(Value::from(0)) };
    let worker = Worker::with_options(QUEUE, handler, options).await?;
    let mut completed = 0;
    while completed < jobs {
        // It reports a job once its result is stored.
        let event = timeout(PATIENCE, worker.next_event()).await;
        match event.with_context(|| format!("{completed} of {jobs} jobs are done"))? {
            Some(WorkerEvent::Completed { .. }) => completed += 1,
            Some(WorkerEvent::Failed { error, .. } | WorkerEvent::Error(error)) => bail!(error),
            Some(_) => {}
            None => bail!("the worker has ended"),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    worker.close(5_000).await?;
    let stored = queue.get_completed_count().await?;
    ensure!(stored == jobs as u64, "{stored} of {jobs} jobs have a result");
    Ok(Answer::Seconds(seconds))
}

async fn start(
    url: &str,
    queue: &Queue,
    document: Value,
    jobs: usize,
    pause: Duration,
) -> Result<Answer> {
    let (started, mut starts) = unbounded_channel();
    let handler = move |_job: Job, _token| {
        // The receiver is dropped only when the run is over.
        let _ = started.send(Instant::now());
        async { Ok(Value::from(0)) }
    };
    let options = WorkerOptions::new().connection(connection(url)).concurrency(IDLE_CONCURRENCY);
    let worker = Worker::with_options(QUEUE, handler, options).await?;
    let mut micros = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        sleep(pause).await;
        let asked = Instant::now();
        queue.add(JOB, document.clone()).await?;
        let began = timeout(PATIENCE, starts.recv()).await?.context("the worker has ended")?;
        micros.push(began.duration_since(asked).as_secs_f64() * 1e6);
    }
    worker.close(5_000).await?;
    Ok(Answer::Micros(micros))
}
