//! `CallState`: the blocking work of a handler call, which outlives the call's future.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// What the contexts of one call share with the engine.
pub(crate) struct CallState {
    /// How many closures run or wait on threads for blocking work.
    blocking: AtomicUsize,
    /// Wakes the engine.
    wake: Arc<Notify>,
}

impl CallState {
    pub(super) fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { blocking: AtomicUsize::new(0), wake })
    }

    /// Whether a closure has not ended yet.
    pub(crate) fn is_blocking(&self) -> bool {
        self.blocking.load(Ordering::Acquire) > 0
    }

    /// Counts a closure until the guard is dropped.
    pub(super) fn begin_blocking(self: &Arc<Self>) -> BlockingGuard {
        self.blocking.fetch_add(1, Ordering::AcqRel);
        BlockingGuard(self.clone())
    }
}

pub(super) struct BlockingGuard(Arc<CallState>);

impl Drop for BlockingGuard {
    fn drop(&mut self) {
        if self.0.blocking.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.wake.notify_one();
        }
    }
}
