//! The audit: who did what to which version, when.
//!
//! An entry is written in the same atomic step as the change that it records, to two streams: the
//! trail of the item and the feed of its collection. `audit` in `lib/audit.lua` writes them.

mod changed;
mod entry;
mod operation;
mod position;

pub use entry::AuditEntry;
pub use operation::AuditOperation;
pub use position::AuditPosition;

pub(crate) use changed::changed_fields;
