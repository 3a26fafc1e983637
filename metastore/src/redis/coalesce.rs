//! What waits at the same moment travels together.
//!
//! A client costs some microseconds for each command, so fewer and larger commands win. An idle line
//! adds no delay: what comes alone leaves alone, at once. While as many batches as may be are on their
//! way, what comes meanwhile gathers for the next.
//!
//! Batches are carried by tasks, never by a caller: one that is not polled for a while, as in a buffered
//! stream whose reader makes calls of its own, would hold up everybody else.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::redis::command::Fault;
use crate::redis::connection::Connection;
use crate::redis::runtime::StoreRuntime;

/// How many batches may be on their way: one is carried out, one waits at the server, and two are on their
/// way there and back, or being put together or taken apart.
const IN_FLIGHT: usize = 4;

/// What a batch may measure.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// What one caller hands over, and who waits for the answer.
pub(crate) struct Waiting<L, R> {
    pub(crate) load: L,
    reply: oneshot::Sender<Result<R, Fault>>,
}

impl<L, R> Waiting<L, R> {
    /// Gives the caller its answer, if it still waits.
    pub(crate) fn answer(self, answer: Result<R, Fault>) {
        let _ = self.reply.send(answer);
    }
}

/// Gives all of a batch the same fault.
pub(crate) fn fail_all<L, R>(batch: impl IntoIterator<Item = Waiting<L, R>>, fault: &Fault) {
    for waiting in batch {
        waiting.answer(Err(fault.clone()));
    }
}

/// What travels together.
pub(crate) type Batch<L, R> = Vec<Waiting<L, R>>;

type Carry<L, R> = Box<dyn Fn(Batch<L, R>) -> BoxFuture<'static, ()> + Send + Sync>;

/// The queue before something that carries batches of loads `L`, each of which has an answer `R`.
pub(crate) struct Batcher<L, R>(Arc<Line<L, R>>);

struct Line<L, R> {
    limits: BatchLimits,
    /// The bytes of one load.
    size: fn(&L) -> usize,
    /// Takes a batch to its end.
    carry: Carry<L, R>,
    state: Mutex<State<Waiting<L, R>>>,
    /// Where the connection lives, too; callers may come from other runtimes and end with them.
    runtime: StoreRuntime,
}

struct State<W> {
    /// No more than there are callers.
    waiting: VecDeque<W>,
    in_flight: usize,
}

impl<L: Send + 'static, R: Send + 'static> Batcher<L, R> {
    pub(crate) fn new<F: Future<Output = ()> + Send + 'static>(
        connection: &Arc<Connection>,
        limits: BatchLimits,
        size: fn(&L) -> usize,
        carry: fn(Arc<Connection>, Batch<L, R>) -> F,
    ) -> Self {
        let (connection, runtime) = (connection.clone(), connection.runtime().clone());
        let carry = move |batch| carry(connection.clone(), batch).boxed();
        let state = Mutex::new(State { waiting: VecDeque::new(), in_flight: 0 });
        Self(Arc::new(Line { limits, size, carry: Box::new(carry), state, runtime }))
    }

    /// Hands a load over and waits for its answer. Once handed over it travels even if nobody waits any more.
    pub(crate) async fn call(&self, load: L) -> Result<R, Fault> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Waiting { load, reply });
        let lost = |_| Err(Fault::Lost("the runtime of the store ended meanwhile".to_owned()));
        self.0.runtime.answer(answer).await?.unwrap_or_else(lost)
    }

    /// The same for a load that changes nothing, so that one that is lost was never carried out.
    pub(crate) async fn read(&self, load: L) -> Result<R, Fault> {
        match self.call(load).await {
            Err(Fault::Lost(_)) if self.0.runtime.is_ending().await => Err(Fault::RuntimeEnded),
            answer => answer,
        }
    }

    fn hand_over(&self, waiting: Waiting<L, R>) {
        let mut state = self.0.state();
        state.waiting.push_back(waiting);
        if state.in_flight < IN_FLIGHT {
            state.in_flight += 1;
            // If the runtime has ended, spawning drops the slot here and now, which takes the lock.
            drop(state);
            self.0.runtime.spawn(run(Slot { line: self.0.clone(), is_released: false }));
        }
    }
}

/// Carries batches as long as anything waits.
async fn run<L, R>(mut slot: Slot<L, R>) {
    while let Some(batch) = slot.next() {
        // A panic costs a batch its answers, but not the line one of its places.
        let _ = AssertUnwindSafe((slot.line.carry)(batch)).catch_unwind().await;
        // Who has an answer now often comes back at once, and should find the place not yet given up.
        tokio::task::yield_now().await;
    }
}

/// A place among the batches on their way.
struct Slot<L, R> {
    line: Arc<Line<L, R>>,
    is_released: bool,
}

impl<L, R> Slot<L, R> {
    fn next(&mut self) -> Option<Batch<L, R>> {
        let batch = self.line.next();
        self.is_released = batch.is_none();
        batch
    }
}

impl<L, R> Drop for Slot<L, R> {
    fn drop(&mut self) {
        if self.is_released {
            return;
        }
        // Its task was dropped, which only the end of the runtime does: nobody is left to carry what waits.
        let mut state = self.line.state();
        state.in_flight -= 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        fail_all(waiting, &Fault::RuntimeEnded);
    }
}

impl<L, R> Line<L, R> {
    fn state(&self) -> MutexGuard<'_, State<Waiting<L, R>>> {
        // What is done under the lock cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; with none the place is given up.
    fn next(&self) -> Option<Batch<L, R>> {
        let mut state = self.state();
        let (mut count, mut bytes) = (0, 0);
        for waiting in state.waiting.iter().take(self.limits.count) {
            bytes += (self.size)(&waiting.load);
            if count > 0 && bytes > self.limits.bytes {
                break;
            }
            count += 1;
        }
        if count == 0 {
            state.in_flight -= 1;
            return None;
        }
        Some(state.waiting.drain(..count).collect())
    }
}
