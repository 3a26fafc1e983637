//! What waits at the same moment travels together.
//!
//! A client costs some microseconds for each command, so fewer and larger commands win. An idle line
//! adds no delay: what comes alone leaves alone, at once, carried by its own caller. While as many
//! batches as may be are on their way, what comes meanwhile gathers for the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

/// How many batches may be on their way: one is carried out while the next travels.
const IN_FLIGHT: usize = 2;

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
}

struct State<W> {
    /// No more than there are callers.
    waiting: VecDeque<W>,
    in_flight: usize,
}

impl<W: Send + 'static> Batcher<W> {
    pub(crate) fn new(
        limits: BatchLimits,
        size: fn(&W) -> usize,
        carry: impl Fn(Vec<W>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), in_flight: 0 });
        Self(Arc::new(Line { limits, size, carry: Box::new(carry), state }))
    }

    /// Sends a load on its way: alone and to its end if the line is free, or else with the next batch,
    /// from which moment on it travels even if its caller gives up.
    pub(crate) async fn carry(&self, load: W) {
        let line = &self.0;
        {
            let mut state = line.state();
            if state.in_flight >= IN_FLIGHT {
                state.waiting.push_back(load);
                return;
            }
            state.in_flight += 1;
        }
        // Given back when the caller has its answer, and when it gives up.
        let _place = Place(line.clone());
        (line.carry)(vec![load]).await;
    }
}

impl<W> Line<W> {
    fn state(&self) -> MutexGuard<'_, State<W>> {
        // What is done under the lock cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; none ends the place that asks.
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

/// A place among the batches on their way, which passes on to what waits.
struct Place<W: Send + 'static>(Arc<Line<W>>);

impl<W: Send + 'static> Drop for Place<W> {
    fn drop(&mut self) {
        let Some(batch) = self.0.next() else { return };
        let line = self.0.clone();
        // Without a runtime nobody waits any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let place = Place(line);
            (place.0.carry)(batch).await;
            // Who has an answer now often comes back at once, and should find the place not yet given up.
            tokio::task::yield_now().await;
            drop(place);
        });
    }
}
