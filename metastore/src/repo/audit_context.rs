//! How the writes of a collection are audited.

use crate::document::Document;
use crate::redis::script::audit::{AuditContext, AuditFields, AuditSettings};
use crate::repo::Repo;
use crate::time::millis;

/// The longest life of a trail, in milliseconds: a number that Redis accepts.
const MAX_LIFE: u64 = 1 << 50;

/// The greatest length of a stream that Redis accepts.
const MAX_LENGTH: u64 = i64::MAX.unsigned_abs();

impl<T: Document> Repo<T> {
    /// Whether writes are audited: as the collection says or, if it says nothing, as the store
    /// does.
    pub(crate) fn audits(&self) -> bool {
        T::SCHEMA.audit.unwrap_or(self.store().settings().audit)
    }

    /// How the writes of this handle are audited.
    pub(crate) fn audit_context(&self) -> AuditContext {
        let settings = self.store().settings();
        let audited = self.audits().then(|| AuditSettings {
            trail_length: settings.audit_trail_length.min(MAX_LENGTH),
            feed_length: settings.audit_feed_length.min(MAX_LENGTH),
            life: T::SCHEMA.ttl.map_or(0, |ttl| {
                millis(ttl).saturating_add(millis(settings.audit_trail_grace)).min(MAX_LIFE)
            }),
        });
        let actor = self.actor().filter(|_| audited.is_some()).map(ToString::to_string);
        AuditContext { settings: audited, fields: AuditFields { actor } }
    }
}
