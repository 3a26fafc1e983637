//! Coalesces concurrent requests into one round trip.
//!
//! A client spends some microseconds on each command, so fewer and larger commands are faster. A
//! queue that is idle adds no delay: a single request is sent at once. While the maximum number of
//! batches is in flight, further requests wait for the next batch.
//!
//! Batches are sent by tasks, never by a caller. A caller that is not polled for a while, such as a
//! buffered stream whose reader makes calls of its own, would block all other callers.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::redis::command::Fault;
use crate::redis::connection::Connection;
use crate::redis::runtime::StoreRuntime;

/// How many batches may be in flight: one runs on the server, one waits there, and two are on the
/// network or are being assembled or taken apart in this process.
const IN_FLIGHT: usize = 4;

/// The limits of one batch.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// The request of one caller, who waits for the reply.
pub(crate) struct Pending<Q, R> {
    pub(crate) request: Q,
    reply: oneshot::Sender<Result<R, Fault>>,
}

impl<Q, R> Pending<Q, R> {
    /// Returns a reply to the caller, if the caller still waits.
    pub(crate) fn reply(self, reply: Result<R, Fault>) {
        let _ = self.reply.send(reply);
    }
}

/// Returns the same fault to all callers of a batch.
pub(crate) fn fail_all<Q, R>(batch: impl IntoIterator<Item = Pending<Q, R>>, fault: &Fault) {
    for pending in batch {
        pending.reply(Err(fault.clone()));
    }
}

/// The requests that are sent together.
pub(crate) type Batch<Q, R> = Vec<Pending<Q, R>>;

type SendBatch<Q, R> = Box<dyn Fn(Batch<Q, R>) -> BoxFuture<'static, ()> + Send + Sync>;

/// A queue of requests `Q`, each of which has a reply `R`, in front of a function that sends
/// batches.
pub(crate) struct BatchQueue<Q, R>(Arc<Shared<Q, R>>);

struct Shared<Q, R> {
    limits: BatchLimits,
    /// The bytes of one request.
    size: fn(&Q) -> usize,
    /// Sends a batch and returns a reply to each of its callers.
    send: SendBatch<Q, R>,
    state: Mutex<State<Pending<Q, R>>>,
    /// The runtime of the connection. Callers may run in other runtimes, which may end earlier.
    runtime: StoreRuntime,
}

struct State<P> {
    /// At most as many as there are callers.
    pending: VecDeque<P>,
    in_flight: usize,
}

impl<Q: Send + 'static, R: Send + 'static> BatchQueue<Q, R> {
    pub(crate) fn new<F: Future<Output = ()> + Send + 'static>(
        connection: &Arc<Connection>,
        limits: BatchLimits,
        size: fn(&Q) -> usize,
        send: fn(Arc<Connection>, Batch<Q, R>) -> F,
    ) -> Self {
        let (connection, runtime) = (connection.clone(), connection.runtime().clone());
        let send = move |batch| send(connection.clone(), batch).boxed();
        let state = Mutex::new(State { pending: VecDeque::new(), in_flight: 0 });
        Self(Arc::new(Shared { limits, size, send: Box::new(send), state, runtime }))
    }

    /// Queues a request and waits for its reply. A request that is queued is sent even if its
    /// caller no longer waits.
    pub(crate) async fn call(&self, request: Q) -> Result<R, Fault> {
        let (reply, received) = oneshot::channel();
        self.push(Pending { request, reply });
        let lost = |_| Err(Fault::Lost("the runtime of the store ended meanwhile".to_owned()));
        self.0.runtime.answer(received).await?.unwrap_or_else(lost)
    }

    /// The same for a read. A read changes nothing, so one that is lost with the runtime counts as
    /// not sent.
    pub(crate) async fn read(&self, request: Q) -> Result<R, Fault> {
        match self.call(request).await {
            Err(Fault::Lost(_)) if self.0.runtime.is_ending().await => Err(Fault::RuntimeEnded),
            reply => reply,
        }
    }

    fn push(&self, pending: Pending<Q, R>) {
        let mut state = self.0.state();
        state.pending.push_back(pending);
        if state.in_flight < IN_FLIGHT {
            state.in_flight += 1;
            // If the runtime has ended, `spawn` drops the slot at once, and that takes the lock.
            drop(state);
            self.0.runtime.spawn(run(Slot { queue: self.0.clone(), is_released: false }));
        }
    }
}

/// Sends batches until no request is pending.
async fn run<Q, R>(mut slot: Slot<Q, R>) {
    while let Some(batch) = slot.next() {
        // After a panic the callers of this batch have no reply, but the queue keeps its slot.
        let _ = AssertUnwindSafe((slot.queue.send)(batch)).catch_unwind().await;
        // Yield before releasing the slot, so that callers can submit their next request to this
        // task.
        tokio::task::yield_now().await;
    }
}

/// The right to have one batch in flight.
struct Slot<Q, R> {
    queue: Arc<Shared<Q, R>>,
    is_released: bool,
}

impl<Q, R> Slot<Q, R> {
    fn next(&mut self) -> Option<Batch<Q, R>> {
        let batch = self.queue.next();
        self.is_released = batch.is_none();
        batch
    }
}

impl<Q, R> Drop for Slot<Q, R> {
    fn drop(&mut self) {
        if self.is_released {
            return;
        }
        // The task was dropped, which happens only when the runtime ends: no task will send what is
        // pending.
        let mut state = self.queue.state();
        state.in_flight -= 1;
        let pending = std::mem::take(&mut state.pending);
        drop(state);
        fail_all(pending, &Fault::RuntimeEnded);
    }
}

impl<Q, R> Shared<Q, R> {
    fn state(&self) -> MutexGuard<'_, State<Pending<Q, R>>> {
        // No code under the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch. Releases the slot if no request is pending.
    fn next(&self) -> Option<Batch<Q, R>> {
        let mut state = self.state();
        let (mut count, mut bytes) = (0, 0);
        for pending in state.pending.iter().take(self.limits.count) {
            bytes += (self.size)(&pending.request);
            if count > 0 && bytes > self.limits.bytes {
                break;
            }
            count += 1;
        }
        if count == 0 {
            state.in_flight -= 1;
            return None;
        }
        Some(state.pending.drain(..count).collect())
    }
}
