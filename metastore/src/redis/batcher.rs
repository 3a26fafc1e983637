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
use tokio::runtime::Handle;

/// How many batches may be on their way: one is carried out, one waits at the server, and two are on their
/// way there and back, or being put together or taken apart.
const IN_FLIGHT: usize = 4;

/// What a batch may measure.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// The queue before something that carries batches.
pub(crate) struct Batcher<W>(Arc<Line<W>>);

struct Line<W> {
    limits: BatchLimits,
    /// The bytes of one load.
    size: fn(&W) -> usize,
    /// Takes a batch to its end.
    carry: Box<dyn Fn(Vec<W>) -> BoxFuture<'static, ()> + Send + Sync>,
    state: Mutex<State<W>>,
    /// Where the connection lives, too; callers may come from other runtimes and end with them.
    runtime: Handle,
}

struct State<W> {
    /// No more than there are callers.
    waiting: VecDeque<W>,
    in_flight: usize,
}

impl<W: Send + 'static> Batcher<W> {
    /// Must be called within the runtime that is to carry the batches.
    pub(crate) fn new(
        limits: BatchLimits,
        size: fn(&W) -> usize,
        carry: impl Fn(Vec<W>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), in_flight: 0 });
        let runtime = Handle::current();
        Self(Arc::new(Line { limits, size, carry: Box::new(carry), state, runtime }))
    }

    /// Hands a load over. From then on it travels even if nobody waits for it any more.
    pub(crate) fn hand_over(&self, load: W) {
        let mut state = self.0.state();
        state.waiting.push_back(load);
        if state.in_flight < IN_FLIGHT {
            state.in_flight += 1;
            self.0.runtime.spawn(run(self.0.clone()));
        }
    }
}

/// Carries batches as long as anything waits.
async fn run<W>(line: Arc<Line<W>>) {
    while let Some(batch) = line.next() {
        // A panic costs a batch its answers, but not the line one of its places.
        let _ = AssertUnwindSafe((line.carry)(batch)).catch_unwind().await;
        // Who has an answer now often comes back at once, and should find the place not yet given up.
        tokio::task::yield_now().await;
    }
}

impl<W> Line<W> {
    fn state(&self) -> MutexGuard<'_, State<W>> {
        // What is done under the lock cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; with none the place is given up.
    fn next(&self) -> Option<Vec<W>> {
        let mut state = self.state();
        let (mut count, mut bytes) = (0, 0);
        for load in state.waiting.iter().take(self.limits.count) {
            bytes += (self.size)(load);
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
