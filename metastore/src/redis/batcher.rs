//! What waits at the same moment travels together.
//!
//! A client costs some microseconds for each command, so fewer and larger commands win. An idle line
//! adds no delay: what comes alone leaves alone, at once. While as many batches as may be are on their
//! way, what comes meanwhile gathers for the next.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::command::Fault;

/// How many batches may be on their way: one is carried out while the next travels.
const IN_FLIGHT: usize = 2;

/// How many may wait before further ones are held up.
const WAITING: usize = 64 * 1024;

/// What a batch may measure.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// The queue before something that carries batches.
pub(crate) struct Batcher<W> {
    queue: mpsc::Sender<W>,
}

impl<W: Send + 'static> Batcher<W> {
    /// Starts the task that forms batches; it ends with the last handle. `size` gives the bytes of
    /// one load, `carry` takes a batch to its end.
    pub(crate) fn start<F, Fut>(limits: BatchLimits, size: fn(&W) -> usize, carry: F) -> Self
    where
        F: Fn(Vec<W>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(run(waiting, limits, size, carry));
        Self { queue }
    }

    /// Hands a load over. From then on it travels even if nobody waits for it any more.
    pub(crate) async fn hand_over(&self, load: W) -> Result<(), Fault> {
        let closed = |_| Fault::NotSent("the store is closed".to_owned());
        self.queue.send(load).await.map_err(closed)
    }
}

async fn run<W, F, Fut>(
    mut queue: mpsc::Receiver<W>,
    limits: BatchLimits,
    size: fn(&W) -> usize,
    carry: F,
) where
    F: Fn(Vec<W>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut left_over = None;
    loop {
        let first = match left_over.take() {
            Some(load) => load,
            None => match queue.recv().await {
                Some(load) => load,
                None => return,
            },
        };
        // Gathered only once there is a place, so that a batch holds all that waited for it.
        let Ok(place) = in_flight.clone().acquire_owned().await else { return };
        let mut bytes = size(&first);
        let mut batch = vec![first];
        while batch.len() < limits.count {
            let Ok(load) = queue.try_recv() else { break };
            bytes += size(&load);
            if bytes > limits.bytes {
                left_over = Some(load);
                break;
            }
            batch.push(load);
        }
        let carried = carry(batch);
        tokio::spawn(async move {
            carried.await;
            drop(place);
        });
    }
}
