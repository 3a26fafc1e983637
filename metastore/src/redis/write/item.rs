//! The script calls that create or update one item.
//!
//! The arguments are described at the top of `create.lua` and `update.lua`.

use bytes::Bytes;

use crate::key::{Address, Id};
use crate::redis::script::audit::AuditContext;
use crate::redis::script::{CREATE, ScriptCall, UPDATE};
use crate::schema::CollectionSchema;
use crate::time::{Timestamp, millis};

/// A new item.
pub(crate) struct CreateItem<'a> {
    pub(crate) address: &'a Address,
    pub(crate) id: &'a Id,
    pub(crate) commit: &'a str,
    pub(crate) document: &'a Bytes,
    /// When the item is created, by the server's time in milliseconds.
    pub(crate) created: u64,
    pub(crate) deadline: Option<u64>,
    pub(crate) audit: &'a AuditContext,
    /// The entries of the item in the indexes of fields; empty for none.
    pub(crate) entries: Bytes,
}

impl CreateItem<'_> {
    pub(crate) fn script(self) -> ScriptCall {
        let Self { address: at, id, .. } = self;
        ScriptCall::new(&CREATE)
            .key_parts(at.latest_parts(id))
            .key(at.index())
            .key(at.expiry())
            .key(at.audit(id))
            .address(at)
            .text(id.as_str())
            .text(self.commit)
            .document(self.document)
            .int(self.created)
            .arg(self.deadline.map(|deadline| deadline.to_string()).unwrap_or_default())
            .audit(self.audit)
            .arg(self.entries)
            .int(self.created)
    }
}

/// The next version of an item.
pub(crate) struct UpdateItem<'a> {
    pub(crate) address: &'a Address,
    pub(crate) schema: &'static CollectionSchema,
    pub(crate) id: &'a Id,
    /// The version that must be the current one, and its commit id.
    pub(crate) expected: (u64, &'a str),
    pub(crate) commit: &'a str,
    pub(crate) document: &'a Bytes,
    /// When the version is written, by the server's time.
    pub(crate) now: Timestamp,
    pub(crate) deadline: DeadlineChange,
    pub(crate) audit: AuditContext,
    /// The operation in the audit entry, and the version that it superseded or restored.
    pub(crate) audited: (&'a str, u64),
    /// The names of the changed fields, as a JSON array; empty if the collection is not audited.
    pub(crate) changed: &'a str,
    /// The entries of the item in the indexes of fields; `None` if the collection has no indexes.
    pub(crate) entries: Option<Bytes>,
    /// The segments of what can be derived from the item, separated by spaces.
    pub(crate) derived: String,
}

impl UpdateItem<'_> {
    pub(crate) fn script(self) -> ScriptCall {
        let Self { address: at, id, schema, .. } = self;
        let (version, commit) = self.expected;
        let (operation, from) = self.audited;
        ScriptCall::new(&UPDATE)
            .key_parts(at.latest_parts(id))
            .key(at.version(id, version))
            .key(at.version(id, version + 1))
            .key(at.expiry())
            .key(at.audit(id))
            .key(at.trimmed(id))
            .key(at.index())
            .address(at)
            .text(id.as_str())
            .text(self.commit)
            .document(self.document)
            .int(version)
            .text(commit)
            .arg(self.deadline.arg())
            .audit(&self.audit)
            .text(operation)
            .int(from)
            .text(self.changed)
            .arg(keep_arg(schema))
            .arg(keep_for_arg(schema))
            // A dash means that the collection has no indexes in this program.
            .arg(self.entries.unwrap_or_else(|| Bytes::from_static(b"-")))
            .int(self.now.as_millis())
            .arg(self.derived)
    }
}

/// What a write does to the deadline of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeadlineChange {
    Keep,
    Remove,
    Set(Timestamp),
}

impl DeadlineChange {
    fn arg(self) -> String {
        match self {
            Self::Keep => String::new(),
            Self::Remove => "-".to_owned(),
            Self::Set(time) => time.as_millis().to_string(),
        }
    }

    /// The deadline that an item has afterwards.
    pub(crate) fn after(self, before: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Set(time) => Some(time),
        }
    }
}

/// How many versions to keep, as scripts take it: empty for any number.
pub(crate) fn keep_arg(schema: &CollectionSchema) -> String {
    schema.keep.map(|versions| versions.to_string()).unwrap_or_default()
}

/// For how long to keep a superseded version, as scripts take it: empty for no limit.
pub(crate) fn keep_for_arg(schema: &CollectionSchema) -> String {
    schema.keep_for.map(|time| millis(time).to_string()).unwrap_or_default()
}
