//! `Report`: the counters of a worker.

/// What a worker has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs whose result was stored.
    pub finished: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Jobs that were returned to the queue: at shutdown, or because a newer version of the program
    /// has written the item.
    pub released: u64,
    /// Jobs that were cancelled while the worker held them, and jobs whose item was deleted or has
    /// expired meanwhile.
    pub cancelled: u64,
    /// Jobs that the worker no longer held when they ended, and jobs whose completion it could not
    /// record.
    pub lost: u64,
}
