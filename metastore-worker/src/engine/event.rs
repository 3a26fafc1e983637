//! `BackgroundEvent`: what a background task of the engine returns.

use metastore::queue::{Completion, QueueStats};

use crate::handler::HandlerExchange;
use crate::lease::LocalId;

/// What an exchange takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// Nothing: it only records completions.
    Nothing,
    /// Jobs for so many handler calls.
    Slots(usize),
    /// No jobs: the server notifies another worker of those that this one has no room for.
    PassOn,
    /// One job that runs alone; none if the worker still runs others, and then only announces that
    /// it will take it.
    Alone { is_ready: bool },
}

impl Take {
    /// The slots that are reserved for the reply.
    pub(super) fn slots(self) -> usize {
        match self {
            Self::Slots(slots) => slots,
            Self::Alone { is_ready: true } => 1,
            _ => 0,
        }
    }
}

/// The result of a background task.
pub(super) enum BackgroundEvent {
    /// Completions were recorded and jobs taken, for the handler queue with this index.
    Exchanged {
        queue: usize,
        completions: Vec<(LocalId, Completion)>,
        take: Take,
        exchange: HandlerExchange,
    },
    /// The queues of a store were polled; `None` if all are idle.
    Polled { store: usize, stats: metastore::Result<Option<Vec<QueueStats>>> },
    /// Expired items of a collection were removed.
    Reaped,
    /// Unhandled queues were checked; `found` are those with jobs and without a subscriber.
    Checked { number: usize, found: metastore::Result<Vec<(usize, QueueStats)>> },
}
