//! What the scripts need to know to audit a write, in one argument.

use crate::document::Document;
use crate::key::Id;
use crate::repo::Repo;
use crate::time::millis;

/// The longest life of a trail, in milliseconds: far beyond any real one, and a number that Redis takes.
const MAX_LIFE: u64 = 1 << 50;

impl<T: Document> Repo<T> {
    /// Whether writes are audited: as the collection says or, if it says nothing, as the store does.
    pub(crate) fn audits(&self) -> bool {
        T::SCHEMA.audit.unwrap_or(self.store().settings().audit)
    }

    /// How a write on an item is to be audited, as scripts take it; `audit` in `common.lua` unpacks it.
    pub(crate) fn audit_arg(&self, id: &Id) -> String {
        let mut packed = self.audit_pieces();
        if !packed.is_empty() {
            packed.push_str(id.as_str());
        }
        packed
    }

    /// [`Repo::audit_arg`] but for the id, which is to be appended unless this is empty.
    pub(crate) fn audit_pieces(&self) -> String {
        if !self.audits() {
            return String::new();
        }
        let settings = self.store().settings();
        let at = self.address();
        let life = T::SCHEMA.ttl.map_or(0, |ttl| {
            millis(ttl).saturating_add(millis(settings.audit_trail_grace)).min(MAX_LIFE)
        });
        let trail = settings.audit_trail_length.min(MAX_LENGTH);
        let feed = settings.audit_feed_length.min(MAX_LENGTH);
        // No part can hold a space.
        format!("{} {} {trail} {feed} {life} ", at.audit_feed(), at.scratch())
    }
}

/// The greatest length that Redis takes.
const MAX_LENGTH: u64 = i64::MAX.unsigned_abs();
