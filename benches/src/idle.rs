//! Idle workers, and how long one of them takes to start a job.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use metastore::{Item, Repo};
use metastore_worker::{RunningWorker, Worker};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::contender::Contender;
use crate::document::Article;
use crate::ours::Metastore;

/// A job that has not been started by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many jobs each worker may run at once.
const CONCURRENCY: usize = 8;

/// Workers on one queue.
pub(crate) struct IdleWorkers {
    running: Vec<RunningWorker>,
    starts: UnboundedReceiver<Instant>,
}

impl IdleWorkers {
    /// Starts a worker on each of these, which may share a connection or have their own.
    pub(crate) fn start(articles: impl IntoIterator<Item = Repo<Article>>) -> Result<Self> {
        let (started, starts) = unbounded_channel();
        let start = |articles: Repo<Article>| {
            let started = started.clone();
            let worker = Worker::builder(&articles)
                .handle(Article::DIGEST, move |_item: Item<Article>, _job| {
                    // The receiver is dropped only when the run is over.
                    let _ = started.send(Instant::now());
                    async { Ok::<_, Infallible>(0) }
                })
                .concurrency(CONCURRENCY)
                .build();
            Ok(worker.start()?)
        };
        let running = articles.into_iter().map(start).collect::<Result<_>>()?;
        Ok(Self { running, starts })
    }

    /// Requests one job after the other, each after a pause. Returns the microseconds from before
    /// each request until its handler starts.
    pub(crate) async fn time_starts(
        &mut self,
        ours: &Metastore,
        ids: &[String],
        pause: Duration,
    ) -> Result<Vec<f64>> {
        let mut micros = Vec::with_capacity(ids.len());
        for id in ids {
            sleep(pause).await;
            let asked = Instant::now();
            ours.enqueue(id).await?;
            let began = timeout(PATIENCE, self.starts.recv()).await;
            let began = began.context("no worker starts the job")?.context("the workers ended")?;
            micros.push(began.duration_since(asked).as_secs_f64() * 1e6);
        }
        Ok(micros)
    }

    /// Stops the workers; fails unless they have finished this many jobs altogether.
    pub(crate) async fn stop(self, jobs: usize) -> Result<()> {
        let reports = join_all(self.running.into_iter().map(RunningWorker::stop)).await;
        let finished: u64 = reports.iter().map(|report| report.finished).sum();
        ensure!(finished == jobs as u64, "the workers finished {finished} of {jobs} jobs");
        Ok(())
    }
}
