//! What was done.

use std::fmt;

use serde::{Serialize, Serializer};

/// The operation that an audit entry records.
///
/// Also converts from its name, so that a filter can be written as `.operation("update")`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditOperation {
    /// An item was created.
    Create,
    /// The next version was written, by `update`, `update_at`, `replace` or `modify`.
    Update,
    /// The content of an earlier version was written as the next version.
    Revert,
    /// An item of an older schema was rewritten in the current one.
    Migrate,
    /// An item was deleted, with its versions.
    Delete,
    /// The result of a mutation was stored.
    Materialize,
    /// A run of a transformation was requested. Requesting a live job again is not recorded.
    Enqueue,
    /// The result of a job was stored.
    Finish,
    /// A run of a job failed, or its worker was lost once too often.
    Fail,
    /// A job was cancelled.
    Cancel,
    /// A job that had failed or was cancelled was asked to run again.
    Retry,
    /// Something else, of another version of metastore or another writer, by its name.
    Other(String),
}

impl AuditOperation {
    /// The name of the operation, as it is stored in the entry.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Revert => "revert",
            Self::Migrate => "migrate",
            Self::Delete => "delete",
            Self::Materialize => "materialize",
            Self::Enqueue => "enqueue",
            Self::Finish => "finish",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for AuditOperation {
    fn from(name: &str) -> Self {
        let known = [
            Self::Create,
            Self::Update,
            Self::Revert,
            Self::Migrate,
            Self::Delete,
            Self::Materialize,
            Self::Enqueue,
            Self::Finish,
            Self::Fail,
            Self::Cancel,
            Self::Retry,
        ];
        let other = || Self::Other(name.to_owned());
        known.into_iter().find(|operation| operation.as_str() == name).unwrap_or_else(other)
    }
}

impl fmt::Display for AuditOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AuditOperation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
