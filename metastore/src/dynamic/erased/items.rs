//! Reading and writing items over JSON.

use futures_util::stream::{self, StreamExt as _};

use super::response::{Response, Responses};
use crate::collection::Collection;
use crate::document::item::{Item, ToTarget};
use crate::dynamic::document::{Change, PatchText, document};
use crate::dynamic::untyped::untyped;
use crate::error::{Error, ErrorKind};
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::scope::Scope;
use crate::time::Timestamp;

/// The patches of one call that are sent concurrently; they share round trips.
const CONCURRENCY: usize = 100;

/// Reading and writing items over JSON.
pub(in crate::dynamic) trait ErasedItems: Send + Sync {
    fn create(&self, id: Option<Id>, data: Json) -> Response<'_, Item<Json>>;
    fn create_many(&self, data: Vec<Json>) -> Responses<'_, Item<Json>>;
    fn get(&self, id: Id) -> Response<'_, Option<Item<Json>>>;
    fn get_many(&self, ids: Vec<Id>) -> Responses<'_, Option<Item<Json>>>;
    fn get_raw(&self, id: Id) -> Response<'_, Option<String>>;
    fn exists(&self, id: Id) -> Response<'_, bool>;
    fn change(&self, id: Id, expected: Option<u64>, change: Change) -> Response<'_, Item<Json>>;
    fn change_many(&self, patches: Vec<(Id, Json)>) -> Responses<'_, Item<Json>>;
    fn touch(&self, id: Id) -> Response<'_, Option<Timestamp>>;
    fn delete(&self, id: Id, expected: Option<u64>) -> Response<'_, bool>;
    fn delete_many(&self, ids: Vec<Id>) -> Responses<'_, bool>;
}

impl<T: Collection> ErasedItems for Repo<T> {
    fn create(&self, id: Option<Id>, data: Json) -> Response<'_, Item<Json>> {
        Box::pin(async move {
            let document: T = document(&data, self.limits(), "create")?;
            let item = match id {
                Some(id) => self.create_with_id(&id, document).await?,
                None => Repo::create(self, document).await?,
            };
            untyped(self, item, "create")
        })
    }

    fn create_many(&self, data: Vec<Json>) -> Responses<'_, Item<Json>> {
        const OPERATION: &str = "create_many";
        Box::pin(async move {
            let read = |json| document::<T>(json, self.limits(), OPERATION);
            let mut refused = Vec::with_capacity(data.len());
            let mut documents = Vec::with_capacity(data.len());
            for json in &data {
                match read(json) {
                    Ok(document) => {
                        documents.push(document);
                        refused.push(None);
                    }
                    Err(error) => refused.push(Some(error)),
                }
            }
            let mut created = Repo::create_many(self, documents).await.into_iter();
            let result = |refused: Option<Error>| match refused {
                Some(error) => Err(error),
                // Each document has a result.
                None => created.next().map_or_else(
                    || {
                        Err(Error::new(
                            OPERATION,
                            ErrorKind::Server("fewer results than documents".to_owned()),
                        ))
                    },
                    |item| untyped(self, item?, OPERATION),
                ),
            };
            refused.into_iter().map(result).collect()
        })
    }

    fn get(&self, id: Id) -> Response<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let item = Repo::get(self, &id).await?;
            item.map(|item| untyped(self, item, "get")).transpose()
        })
    }

    fn get_many(&self, ids: Vec<Id>) -> Responses<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let found = Repo::get_many(self, ids).await.into_iter();
            let json = |item: Option<Item<T>>| {
                item.map(|item| untyped(self, item, "get_many")).transpose()
            };
            found.map(|item| item.and_then(json)).collect()
        })
    }

    fn get_raw(&self, id: Id) -> Response<'_, Option<String>> {
        Box::pin(async move { Repo::get_raw(self, &id).await })
    }

    fn exists(&self, id: Id) -> Response<'_, bool> {
        Box::pin(async move { Repo::exists(self, &id).await })
    }

    fn change(&self, id: Id, expected: Option<u64>, change: Change) -> Response<'_, Item<Json>> {
        let operation = match (&change, expected) {
            (Change::Patch(_), None) => "update",
            (Change::Patch(_), Some(_)) => "update_at",
            (Change::Replace(_), None) => "replace",
            (Change::Replace(_), Some(_)) => "replace_at",
        };
        let scope = Scope::KnownFields;
        Box::pin(async move {
            let limits = self.limits();
            let patch = match &change {
                Change::Patch(patch) => patch,
                Change::Replace(json) => {
                    let document = document(json, limits, operation)?;
                    let target = (&id).to_target();
                    let item = self.replace_at(target, expected, document, operation).await?;
                    return untyped(self, item, operation);
                }
            };
            let patch = PatchText::check::<T>(patch, limits, operation)?;
            let key = Repo::address(self).latest(&id);
            let apply = |current: &mut T| {
                *current = patch
                    .apply(current, limits, operation)
                    .map_err(|error| error.at(key.clone()))?;
                Ok(())
            };
            let item = match expected {
                None => Repo::change(self, (&id).to_target(), operation, scope, apply).await?,
                Some(expected) => {
                    let base = self.read_at(&id, expected, operation).await?;
                    Repo::change(self, (&base).to_target(), operation, scope, apply).await?
                }
            };
            untyped(self, item, operation)
        })
    }

    fn change_many(&self, patches: Vec<(Id, Json)>) -> Responses<'_, Item<Json>> {
        let change = |(id, patch)| ErasedItems::change(self, id, None, Change::Patch(patch));
        Box::pin(stream::iter(patches).map(change).buffered(CONCURRENCY).collect())
    }

    fn touch(&self, id: Id) -> Response<'_, Option<Timestamp>> {
        Box::pin(async move { Repo::touch(self, &id).await })
    }

    fn delete(&self, id: Id, expected: Option<u64>) -> Response<'_, bool> {
        Box::pin(async move {
            match expected {
                Some(expected) => self.delete_at(&id, expected).await.map(|()| true),
                None => Repo::delete(self, &id).await,
            }
        })
    }

    fn delete_many(&self, ids: Vec<Id>) -> Responses<'_, bool> {
        Box::pin(async move { Repo::delete_many(self, ids).await })
    }
}
