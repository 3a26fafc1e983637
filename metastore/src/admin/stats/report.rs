//! The statistics, and their display.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::estimate::Estimate;
use crate::job::queue::QueueStats;
use crate::time::Timestamp;

/// Statistics of a collection.
///
/// `{}` formats it as a table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CollectionStats {
    /// The number of items.
    pub items: u64,
    /// When the oldest of them was created.
    pub oldest: Option<Timestamp>,
    /// When the newest of them was created.
    pub newest: Option<Timestamp>,
    /// The number of items that were measured for the estimates.
    pub sampled: u64,
    /// The number of versions, current ones included.
    pub versions: Estimate,
    /// Memory by content.
    pub bytes: MemoryStats,
    /// The jobs of each transformation, by state.
    pub jobs: BTreeMap<&'static str, QueueStats>,
}

/// The server's memory that a collection uses, in bytes: keys, values and their overhead, as
/// `MEMORY USAGE` reports it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct MemoryStats {
    /// The current versions.
    pub documents: Estimate,
    /// The superseded versions.
    pub versions: Estimate,
    /// The stored results of mutations.
    pub mutations: Estimate,
    /// The records of transformations with their results.
    pub transformations: Estimate,
    /// The audit trails of existing items. Those of deleted items are not counted.
    pub audit: Estimate,
    /// The indexes, and the audit feed: the server's own estimate from 100 members of each.
    pub indexes: u64,
}

impl MemoryStats {
    /// The sum of all. The errors are also summed, which is the worst case.
    #[must_use]
    pub fn total(&self) -> Estimate {
        let measured =
            [self.documents, self.versions, self.mutations, self.transformations, self.audit];
        Estimate {
            value: self.indexes + measured.iter().map(|one| one.value).sum::<u64>(),
            error: measured.iter().map(|one| one.error).sum(),
        }
    }
}

impl fmt::Display for CollectionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<26}{value}");
        line("items", &self.items)?;
        for (name, time) in [("oldest", self.oldest), ("newest", self.newest)] {
            if let Some(time) = time {
                line(name, &time)?;
            }
        }
        line("versions", &self.versions)?;
        let bytes = &self.bytes;
        line("bytes of documents", &bytes.documents)?;
        line("bytes of old versions", &bytes.versions)?;
        line("bytes of mutations", &bytes.mutations)?;
        line("bytes of transformations", &bytes.transformations)?;
        line("bytes of audit trails", &bytes.audit)?;
        line("bytes of indexes", &bytes.indexes)?;
        line("bytes altogether", &bytes.total())?;
        for (name, jobs) in &self.jobs {
            let QueueStats { waiting, delayed, running, dead, .. } = jobs;
            let states =
                format!("{waiting} waiting, {delayed} delayed, {running} running, {dead} dead");
            line(&format!("jobs of {name}"), &states)?;
        }
        write!(f, "{:<26}{} of {} items", "measured", self.sampled, self.items)
    }
}
