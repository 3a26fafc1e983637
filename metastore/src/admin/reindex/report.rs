//! The report of a check.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::admin::walk::list_failure;
use crate::store::cursor::Cursor;

/// How far indexes, queues, histories and documents agree.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct IndexReport {
    /// The number of items when the run began.
    pub total: u64,
    /// The number of items that were checked.
    pub checked: u64,
    /// Items with a missing or wrong index entry.
    pub wrong: u64,
    /// Items that were missing from the index of all items, so that no list returned them.
    pub unlisted: u64,
    /// Index entries that belong to no item.
    pub orphans: u64,
    /// Jobs that were in no list of their queue, so that no worker would have taken them.
    pub lost_jobs: u64,
    /// Missing versions between two that exist. They cannot be restored.
    pub missing_versions: u64,
    /// Items whose audit trail has no entry of their creation, in a collection with audit. Items
    /// that were created before audit was switched on count, too.
    pub unaudited: u64,
    /// Items that were written again each time they were checked.
    pub busy: u64,
    /// The number of items that could not be indexed completely: the document does not decode, or
    /// another item has the same value of a unique field. In the second case everything else is
    /// indexed.
    pub failed: u64,
    /// The first 100 problems of single items: what could not be indexed, lost jobs, missing
    /// versions and missing audit entries.
    pub failures: Vec<IndexFailure>,
    /// Whether this run repaired what it found, as far as possible.
    pub repaired: bool,
    /// Where to continue an interrupted run, with [`Reindex::resume`](crate::Reindex::resume);
    /// `None` at the end.
    pub resume: Option<Cursor>,
    /// The number of entries in each index that the checked items should have.
    #[serde(skip)]
    pub(super) entries: BTreeMap<String, u64>,
}

/// A problem of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexFailure {
    /// The id of the item, as it is stored.
    pub id: String,
    /// What is wrong.
    pub reason: String,
}

impl IndexReport {
    /// Whether indexes, queues, histories and documents agree completely.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let wrong = [
            self.wrong,
            self.unlisted,
            self.orphans,
            self.lost_jobs,
            self.missing_versions,
            self.unaudited,
            self.failed,
        ];
        wrong.iter().all(|count| *count == 0)
    }

    /// Records an item that could not be indexed completely.
    pub(super) fn fail(&mut self, id: &str, reason: String) {
        self.failed += 1;
        self.list(id, reason);
    }

    /// Lists a problem of an item.
    pub(super) fn list(&mut self, id: &str, reason: String) {
        list_failure(&mut self.failures, IndexFailure { id: id.to_owned(), reason });
    }
}
