//! Items with their documents as JSON.

use crate::collection::Collection;
use crate::document::content;
use crate::document::item::Item;
use crate::error::Result;
use crate::json::Limits;
use crate::json::text::Json;
use crate::repo::Repo;

/// The item with its document as JSON.
pub(super) fn untyped<T: Collection>(
    repo: &Repo<T>,
    item: Item<T>,
    operation: &'static str,
) -> Result<Item<Json>> {
    let limits = Limits { bytes: usize::MAX, depth: repo.limits().depth };
    item.try_map(|document| content::own(&document, limits, operation).map(Json::from_text))
}
