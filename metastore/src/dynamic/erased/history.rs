//! Versions and audit over JSON.

use super::response::Response;
use crate::collection::Collection;
use crate::document::diff::Diff;
use crate::document::item::{Item, VersionInfo};
use crate::dynamic::untyped::untyped;
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::audit::Audit;
use crate::time::Timestamp;

/// Versions and audit over JSON.
pub(in crate::dynamic) trait ErasedHistory: Send + Sync {
    fn get_version(&self, id: Id, version: u64) -> Response<'_, Option<Item<Json>>>;
    fn versions(&self, id: Id, limit: u64, before: u64) -> Response<'_, Vec<VersionInfo>>;
    fn diff(&self, id: Id, from: u64, to: u64) -> Response<'_, Diff>;
    fn revert(&self, id: Id, expected: Option<u64>, version: u64) -> Response<'_, Item<Json>>;
    fn as_of(&self, id: Id, time: Timestamp) -> Response<'_, Option<Item<Json>>>;
    fn audit(&self, id: &Id) -> Audit<'_>;
    fn audit_feed(&self) -> Audit<'_>;
}

impl<T: Collection> ErasedHistory for Repo<T> {
    fn get_version(&self, id: Id, version: u64) -> Response<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let item = Repo::get_version(self, &id, version).await?;
            item.map(|item| untyped(self, item, "get_version")).transpose()
        })
    }

    fn versions(&self, id: Id, limit: u64, before: u64) -> Response<'_, Vec<VersionInfo>> {
        Box::pin(async move { Repo::versions(self, &id).limit(limit).before(before).await })
    }

    fn diff(&self, id: Id, from: u64, to: u64) -> Response<'_, Diff> {
        Box::pin(async move { Repo::diff(self, &id, from, to).await })
    }

    fn revert(&self, id: Id, expected: Option<u64>, version: u64) -> Response<'_, Item<Json>> {
        let operation = if expected.is_some() { "revert_at" } else { "revert" };
        Box::pin(async move {
            let reverted = match expected {
                Some(expected) => {
                    let base = self.read_at(&id, expected, operation).await?;
                    Repo::revert(self, &base, version).await
                }
                None => Repo::revert(self, &id, version).await,
            };
            untyped(self, reverted.map_err(|error| error.during(operation))?, operation)
        })
    }

    fn as_of(&self, id: Id, time: Timestamp) -> Response<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let item = Repo::as_of(self, &id, time).await?;
            item.map(|item| untyped(self, item, "as_of")).transpose()
        })
    }

    fn audit(&self, id: &Id) -> Audit<'_> {
        Repo::audit(self, id)
    }

    fn audit_feed(&self) -> Audit<'_> {
        Repo::audit_feed(self)
    }
}
