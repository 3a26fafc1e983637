//! What an update replaces.

use crate::audit::AuditOperation;
use crate::document::unknown::UnknownFields;

/// What an update replaces.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// The fields that the struct knows. Unknown fields of the stored document are preserved.
    KnownFields,
    /// The whole document.
    WholeDocument,
    /// The whole document, by the content of an earlier version with its unknown fields.
    Restored { version: u64, unknown: &'a UnknownFields },
    /// Only the shape of an older schema: the content and the deadline of the item stay the same.
    Shape,
}

impl Scope<'_> {
    /// The operation in the audit entry of an update of this version, and the version that was
    /// superseded or restored.
    pub(crate) fn audited(self, superseded: u64) -> (AuditOperation, u64) {
        match self {
            Self::KnownFields | Self::WholeDocument => (AuditOperation::Update, superseded),
            Self::Restored { version, .. } => (AuditOperation::Revert, version),
            Self::Shape => (AuditOperation::Migrate, superseded),
        }
    }
}
