//! The keys, equal to metastore's, so that all sides read and write the same data.

/// The prefix of all keys of items.
pub(crate) const PREFIX: &str = "bench:blog:articles:";

/// All items by the time of their creation.
pub(crate) const INDEX: &str = "idx:bench:blog:articles";

/// The audit entries of all items, which only metastore keeps.
pub(crate) const FEED: &str = "stream:audit:bench:blog:articles";

/// The items that have a result, which only metastore keeps.
pub(crate) const RESULTS: &str = "idx:bench:blog:articles:transformation:digest";

/// The jobs that wait.
pub(crate) const WAITING: &str = "queue:bench:blog:articles:digest:waiting";

/// The live jobs, which only metastore keeps.
pub(crate) const JOBS: &str = "queue:bench:blog:articles:digest:jobs";

/// The running jobs; metastore has a sorted set of leases instead.
pub(crate) const RUNNING: &str = "queue:bench:blog:articles:digest:running";

/// The current version of an item.
pub(crate) fn latest(id: &str) -> String {
    format!("{PREFIX}{id}:latest")
}

/// A superseded version of an item.
pub(crate) fn version(id: &str, version: u64) -> String {
    format!("{PREFIX}{id}:version:{version}")
}

/// The result of a job.
pub(crate) fn record(id: &str) -> String {
    format!("{PREFIX}{id}:transformation:digest")
}

/// The audit trail of an item.
pub(crate) fn trail(id: &str) -> String {
    format!("stream:audit:{PREFIX}{id}")
}
