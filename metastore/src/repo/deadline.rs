//! When items expire.

use crate::document::Document;
use crate::redis::write::item::DeadlineChange;
use crate::repo::Repo;
use crate::repo::scope::Scope;
use crate::schema::TtlOnUpdate;
use crate::time::Timestamp;

impl<T: Document> Repo<T> {
    /// When an item written at `now` expires.
    pub(crate) fn deadline(now: Timestamp) -> Option<Timestamp> {
        T::SCHEMA.ttl.map(|ttl| now.plus(ttl))
    }

    /// What an update does to the deadline of an item, which has this one in its header.
    pub(crate) fn deadline_change(
        current: Option<Timestamp>,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> DeadlineChange {
        let renews =
            T::SCHEMA.ttl_on_update == TtlOnUpdate::Reset && !matches!(scope, Scope::Shape);
        match Self::deadline(now) {
            // The collection no longer has a time to live. A deadline that is not in the header was
            // set by another program, and stays.
            None if current.is_some() => DeadlineChange::Remove,
            // If there is no deadline, the collection has had no time to live until now.
            Some(deadline) if renews || current.is_none() => DeadlineChange::Set(deadline),
            None | Some(_) => DeadlineChange::Keep,
        }
    }
}
