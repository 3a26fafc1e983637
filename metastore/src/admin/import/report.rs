//! The report of an import.

use serde::Serialize;

use crate::admin::walk::list_failure;

/// What an import has done, or would do in a dry run.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// The number of keys that match the pattern. SCAN may return a key twice; it then counts
    /// twice.
    pub scanned: u64,
    /// The number of documents that became items, or would in a dry run.
    pub imported: u64,
    /// The number of documents that are items already, with the same content.
    pub already: u64,
    /// The number of keys that hold another type of value, or that no longer exist.
    pub skipped: u64,
    /// The number of documents that were not imported because they have a problem.
    pub failed: u64,
    /// The number of originals that were removed.
    pub deleted: u64,
    /// The first 100 documents that failed, each with the reason.
    pub failures: Vec<ImportFailure>,
    /// Whether this was a dry run, which writes nothing.
    pub dry_run: bool,
    /// Where to continue, with [`Import::resume`](crate::Import::resume); `None` at the end.
    pub resume: Option<u64>,
}

/// A document that was not imported.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ImportFailure {
    /// The key.
    pub key: String,
    /// What is wrong: not JSON, a validation error, an invalid id or one that is taken.
    pub reason: String,
}

/// The outcome of one document.
pub(super) enum Outcome {
    Imported { deleted: bool },
    Already { deleted: bool },
    Failed(ImportFailure),
}

impl ImportReport {
    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Imported { deleted } => {
                self.imported += 1;
                self.deleted += u64::from(deleted);
            }
            Outcome::Already { deleted } => {
                self.already += 1;
                self.deleted += u64::from(deleted);
            }
            Outcome::Failed(failure) => {
                self.failed += 1;
                list_failure(&mut self.failures, failure);
            }
        }
    }
}
