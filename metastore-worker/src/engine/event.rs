//! `BackgroundEvent`: what a background task of the engine returns.

use metastore::queue::{Completion, QueueStats};

use crate::handler::HandlerExchange;

/// Identifies a job or a handler call within this worker.
pub(super) type LocalId = u64;

/// The result of a background task.
pub(super) enum BackgroundEvent {
    /// Completions were recorded and jobs taken, for the handler queue with this index.
    Exchanged {
        queue: usize,
        completions: Vec<(LocalId, Completion)>,
        slots: usize,
        exchange: HandlerExchange,
    },
    /// The queues of a store were polled; `None` if all are idle.
    Polled { store: usize, stats: metastore::Result<Option<Vec<QueueStats>>> },
    /// The leases of jobs were renewed; `held` says for each whether the worker still holds it.
    Renewed { store: usize, jobs: Vec<LocalId>, held: metastore::Result<Vec<bool>> },
    /// Expired items of a collection were removed.
    Reaped,
    /// Unhandled queues were checked; `found` are those with jobs and without a subscriber.
    Checked { number: usize, found: metastore::Result<Vec<(usize, QueueStats)>> },
}
