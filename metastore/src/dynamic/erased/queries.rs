//! Queries over JSON.

use serde_json::Value;

use super::response::Response;
use crate::admin::CollectionStats;
use crate::collection::Collection;
use crate::document::item::Item;
use crate::dynamic::condition::typed_query;
use crate::dynamic::lookup::index_of;
use crate::dynamic::query::DynamicQuery;
use crate::dynamic::untyped::untyped;
use crate::error::{Error, ErrorKind};
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::page::{Page, Unreadable};
use crate::schema::IndexKind;

/// Queries over JSON.
pub(in crate::dynamic) trait ErasedQueries: Send + Sync {
    fn get_by(&self, field: String, value: Value) -> Response<'_, Option<Item<Json>>>;
    fn find<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, Page<Item<Json>>>;
    fn ids<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, Page<Id>>;
    fn count<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, u64>;
    fn stats(&self) -> Response<'_, CollectionStats>;
}

impl<T: Collection> ErasedQueries for Repo<T> {
    fn get_by(&self, field: String, value: Value) -> Response<'_, Option<Item<Json>>> {
        const OPERATION: &str = "get_by";
        Box::pin(async move {
            let query = DynamicQuery::new().filter(&field, "eq", value).limit(1);
            let index = index_of::<T>(&field, OPERATION)?;
            if index.kind() != IndexKind::Unique {
                let message = format!(
                    "`{field}` is not `#[unique]`, so several items may have the same value"
                );
                return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
            }
            let found = typed_query(self, &query, OPERATION)?.first(OPERATION).await?;
            found.map(|item| untyped(self, item, OPERATION)).transpose()
        })
    }

    fn find<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, Page<Item<Json>>> {
        Box::pin(async move {
            let page = typed_query(self, query, "find")?.page().await?;
            let mut unreadable = page.unreadable;
            let mut items = Vec::with_capacity(page.items.len());
            for item in page.items {
                let id = item.id.to_string();
                match untyped(self, item, "find") {
                    Ok(item) => items.push(item),
                    Err(error) => unreadable.push(Unreadable { id, error }),
                }
            }
            Ok(Page { items, unreadable, next: page.next })
        })
    }

    fn ids<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, Page<Id>> {
        Box::pin(async move { typed_query(self, query, "find")?.ids().await })
    }

    fn count<'a>(&'a self, query: &'a DynamicQuery) -> Response<'a, u64> {
        Box::pin(async move { typed_query(self, query, "count")?.count().await })
    }

    fn stats(&self) -> Response<'_, CollectionStats> {
        Box::pin(async move { Repo::stats(self).await })
    }
}
