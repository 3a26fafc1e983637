//! `Report`: the counters of a worker.

/// What a worker has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs whose result was stored.
    pub finished: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Jobs that were returned to the queue at shutdown.
    pub released: u64,
    /// Jobs that the worker no longer held when they completed, and jobs whose completion it could
    /// not record.
    pub lost: u64,
}
