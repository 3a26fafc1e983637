//! apalis with apalis-redis: results are kept by default. Its batches are as large as the number of
//! jobs that run at once, and jobs run on all threads.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{ParallelizeExt, TaskSink, WorkerBuilder};
use apalis_redis::{Config, RedisStorage};
use redis::AsyncCommands;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::task::{Answer, Task};

/// A job that has not been processed by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the number of stored results is read after the last handler has ended.
const LOOK: Duration = Duration::from_millis(1);

pub(crate) async fn carry_out(url: &str, task: Task) -> Result<Answer> {
    let Task::Process { document, jobs, concurrency } = task else {
        bail!("apalis takes part in the row `process` only");
    };
    let mut connection = apalis_redis::connect(url).await?;
    let config = Config::default().queue("digests").batch_size(concurrency);
    let done = config.done_jobs_set();
    let mut storage = RedisStorage::<Value>::new(connection.clone()).with_config(config);
    for first in (0..jobs).step_by(100) {
        let chunk = jobs.min(first + 100) - first;
        storage.push_bulk(vec![document.clone(); chunk]).await?;
    }

    let handled = Arc::new(AtomicUsize::new(0));
    let counter = handled.clone();
    let worker = WorkerBuilder::new("bench")
        .backend(storage)
        .parallelize(tokio::spawn)
        .concurrency(concurrency)
        .build(move |_document: Value| {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(0) }
        });
    let (stop, stopped) = oneshot::channel::<()>();
    let start = Instant::now();
    let mut running = tokio::spawn(worker.run_until(async move {
        // It stops in either case.
        let _ = stopped.await;
        Ok::<_, std::io::Error>(())
    }));
    let all_stored = async {
        loop {
            if handled.load(Ordering::Relaxed) >= jobs {
                let stored: usize = connection.scard(&done).await?;
                if stored >= jobs {
                    return anyhow::Ok(start.elapsed());
                }
            }
            sleep(LOOK).await;
        }
    };
    let all_stored = timeout(PATIENCE, all_stored);
    let elapsed = tokio::select! {
        elapsed = all_stored => elapsed,
        // It ends like this if the backlog is too long.
        ended = &mut running => bail!("the worker ended early: {:?}", ended?),
    };
    let elapsed = elapsed.with_context(|| {
        format!("{} of {jobs} jobs were handled", handled.load(Ordering::Relaxed))
    })??;
    ensure!(stop.send(()).is_ok(), "the worker had ended");
    running.await??;
    Ok(Answer::Seconds(elapsed.as_secs_f64()))
}
