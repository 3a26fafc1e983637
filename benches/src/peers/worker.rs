//! The loop of a hand-written worker: as many tasks as jobs may run at once, each of which finishes
//! its job and takes the next one in a single script call.
//!
//! A job leaves the list of running jobs in the step that stores its result, so none is lost: the
//! jobs of a crashed worker can be found there and put back.
//!
//! Unlike metastore's worker it has no leases, which return jobs of a crashed worker automatically;
//! no fence against a slow worker; no retries, backoff and dead jobs; no limit of one live job per
//! item; no wake-up messages; and no notification of waiting callers.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::stored::Stored;
use crate::contender::CONCURRENCY;

/// A job that has ended.
pub(super) struct Finished {
    pub(super) id: String,
    pub(super) result: String,
}

/// The part that depends on the client.
pub(super) trait Queue: Clone + Send + Sync + 'static {
    /// Stores a result, if there is one, and takes the next job: its id and its document.
    fn step(
        &self,
        finished: Option<Finished>,
    ) -> impl Future<Output = Result<Option<(String, Vec<u8>)>>> + Send;
}

/// Processes jobs until the queue is empty.
pub(super) async fn work<Q: Queue>(queue: &Q) -> Result<Duration> {
    let start = Instant::now();
    let mut slots: JoinSet<Result<()>> = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let queue = queue.clone();
        slots.spawn(async move {
            let mut finished = None;
            while let Some((id, document)) = queue.step(finished.take()).await? {
                let item: Stored = serde_json::from_slice(&document)?;
                ensure!(item.id == id, "job {id} came with the document of {}", item.id);
                let result = serde_json::to_string(&handle(item).await)?;
                finished = Some(Finished { id, result });
            }
            Ok(())
        });
    }
    while let Some(ended) = slots.join_next().await {
        ended??;
    }
    Ok(start.elapsed())
}

#[allow(clippy::unused_async, reason = "it stands for a handler, which would wait for something")]
async fn handle(_item: Stored) -> u32 {
    0
}
