//! A collection whose document type is known to nobody but itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::condition::query;
use super::document::{Change, PatchText, document};
use super::query::DynamicQuery;
use crate::admin::CollectionStats;
use crate::catalog::Descriptor;
use crate::collection::Collection;
use crate::document::content;
use crate::document::diff::Diff;
use crate::document::item::{Item, ToTarget, VersionInfo};
use crate::document::mutation::DynamicMutation;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::job::item_transformation::ItemTransformation;
use crate::job::options::EnqueueOptions;
use crate::job::queue::{DeadJob, Queue, QueueStats};
use crate::job::status::JobStatus;
use crate::json::Limits;
use crate::json::text::Json;
use crate::key::{Actor, Address, Id};
use crate::repo::Repo;
use crate::repo::audit::Audit;
use crate::repo::handle::ItemHandle;
use crate::repo::mutation::Cached;
use crate::repo::page::{Page, Unreadable};
use crate::repo::scope::Scope;
use crate::repository::FromStore;
use crate::time::Timestamp;

/// The patches of one call that are on their way at the same time; they share round trips.
const AT_ONCE: usize = 100;

pub(super) type Answer<'a, R> = BoxFuture<'a, Result<R>>;
pub(super) type Answers<'a, R> = BoxFuture<'a, Vec<Result<R>>>;

/// The operations of a [`Repo`] over JSON. Each calls the typed one, so that rules and errors are the same.
pub(super) trait ErasedCollection: Send + Sync {
    fn address(&self) -> &Address;
    fn descriptor(&self) -> Descriptor;
    fn for_user(&self, user: &Actor) -> Arc<dyn ErasedCollection>;

    fn create(&self, id: Option<Id>, data: Json) -> Answer<'_, Item<Json>>;
    fn create_many(&self, data: Vec<Json>) -> Answers<'_, Item<Json>>;
    fn get(&self, id: Id) -> Answer<'_, Option<Item<Json>>>;
    fn get_many(&self, ids: Vec<Id>) -> Answers<'_, Option<Item<Json>>>;
    fn get_raw(&self, id: Id) -> Answer<'_, Option<String>>;
    fn exists(&self, id: Id) -> Answer<'_, bool>;
    fn get_version(&self, id: Id, version: u64) -> Answer<'_, Option<Item<Json>>>;
    fn get_by(&self, field: String, value: Value) -> Answer<'_, Option<Item<Json>>>;
    fn change(&self, id: Id, expected: Option<u64>, change: Change) -> Answer<'_, Item<Json>>;
    fn change_many(&self, patches: Vec<(Id, Json)>) -> Answers<'_, Item<Json>>;
    fn touch(&self, id: Id) -> Answer<'_, Option<Timestamp>>;
    fn delete(&self, id: Id, expected: Option<u64>) -> Answer<'_, bool>;
    fn delete_many(&self, ids: Vec<Id>) -> Answers<'_, bool>;
    fn versions(&self, id: Id, limit: u64, before: u64) -> Answer<'_, Vec<VersionInfo>>;

    fn diff(&self, id: Id, from: u64, to: u64) -> Answer<'_, Diff>;
    fn revert(&self, id: Id, expected: Option<u64>, version: u64) -> Answer<'_, Item<Json>>;
    fn as_of(&self, id: Id, time: Timestamp) -> Answer<'_, Option<Item<Json>>>;

    fn audit(&self, id: &Id) -> Audit<'_>;
    fn audit_feed(&self) -> Audit<'_>;

    fn find<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, Page<Item<Json>>>;
    fn ids<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, Page<Id>>;
    fn count<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, u64>;
    fn stats(&self) -> Answer<'_, CollectionStats>;

    fn run<'a>(&'a self, id: Id, version: Option<u64>, name: &'a str) -> Answer<'a, Json>;
    fn evaluate_all<'a>(
        &'a self,
        id: Id,
        names: &'a [&'a str],
    ) -> Answer<'a, BTreeMap<String, Json>>;
    fn materialize<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Json>;
    fn cached<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<Cached<Json>>>;

    fn enqueue<'a>(
        &'a self,
        ids: Vec<Id>,
        name: &'a str,
        options: EnqueueOptions,
    ) -> Answer<'a, Vec<Result<String>>>;
    fn status<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<JobStatus<Json>>>;
    fn result<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<Json>>;
    fn wait<'a>(&'a self, id: Id, name: &'a str, timeout: Duration) -> Answer<'a, Json>;
    fn cancel<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, bool>;
    fn discard<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, bool>;
    fn retry<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<String>>;
    fn queue_stats<'a>(&'a self, name: &'a str) -> Answer<'a, QueueStats>;
    fn dead_jobs<'a>(
        &'a self,
        name: &'a str,
        offset: usize,
        limit: usize,
    ) -> Answer<'a, Vec<DeadJob>>;
}

impl<T: Collection> ErasedCollection for Repo<T> {
    fn address(&self) -> &Address {
        Repo::address(self)
    }

    fn descriptor(&self) -> Descriptor {
        Repo::descriptor(self)
    }

    fn for_user(&self, user: &Actor) -> Arc<dyn ErasedCollection> {
        Arc::new(FromStore::for_user(self, user))
    }

    fn create(&self, id: Option<Id>, data: Json) -> Answer<'_, Item<Json>> {
        Box::pin(async move {
            let document: T = document(&data, self.store().limits(), "create")?;
            let item = match id {
                Some(id) => self.create_with_id(&id, document).await?,
                None => Repo::create(self, document).await?,
            };
            untyped(self, item, "create")
        })
    }

    fn create_many(&self, data: Vec<Json>) -> Answers<'_, Item<Json>> {
        const OPERATION: &str = "create_many";
        Box::pin(async move {
            let read = |json| document::<T>(json, self.store().limits(), OPERATION);
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
                // There is a result for each document.
                None => created.next().map_or_else(
                    || Err(Error::new(OPERATION, ErrorKind::Server("no verdict".to_owned()))),
                    |item| untyped(self, item?, OPERATION),
                ),
            };
            refused.into_iter().map(result).collect()
        })
    }

    fn get(&self, id: Id) -> Answer<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let item = Repo::get(self, &id).await?;
            item.map(|item| untyped(self, item, "get")).transpose()
        })
    }

    fn get_many(&self, ids: Vec<Id>) -> Answers<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let found = Repo::get_many(self, ids).await.into_iter();
            let json = |item: Option<Item<T>>| {
                item.map(|item| untyped(self, item, "get_many")).transpose()
            };
            found.map(|item| item.and_then(json)).collect()
        })
    }

    fn get_raw(&self, id: Id) -> Answer<'_, Option<String>> {
        Box::pin(async move { Repo::get_raw(self, &id).await })
    }

    fn exists(&self, id: Id) -> Answer<'_, bool> {
        Box::pin(async move { Repo::exists(self, &id).await })
    }

    fn get_version(&self, id: Id, version: u64) -> Answer<'_, Option<Item<Json>>> {
        Box::pin(async move {
            let item = Repo::get_version(self, &id, version).await?;
            item.map(|item| untyped(self, item, "get_version")).transpose()
        })
    }

    fn get_by(&self, field: String, value: Value) -> Answer<'_, Option<Item<Json>>> {
        const OPERATION: &str = "get_by";
        Box::pin(async move {
            let selection = DynamicQuery::new().filter(&field, "eq", value).limit(1);
            let index = super::condition::index_of::<T>(&field, OPERATION)?;
            if index.kind() != crate::schema::IndexKind::Unique {
                let message =
                    format!("`{field}` is not `#[unique]`, so many items may have a value");
                return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
            }
            let found = query(self, &selection, OPERATION)?.one(OPERATION).await?;
            found.map(|item| untyped(self, item, OPERATION)).transpose()
        })
    }

    fn change(&self, id: Id, expected: Option<u64>, change: Change) -> Answer<'_, Item<Json>> {
        let operation = match (&change, expected) {
            (Change::Patch(_), None) => "update",
            (Change::Patch(_), Some(_)) => "update_at",
            (Change::Replace(_), None) => "replace",
            (Change::Replace(_), Some(_)) => "replace_at",
        };
        let scope = Scope::KnownFields;
        Box::pin(async move {
            let limits = self.store().limits();
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

    fn change_many(&self, patches: Vec<(Id, Json)>) -> Answers<'_, Item<Json>> {
        let change = |(id, patch)| ErasedCollection::change(self, id, None, Change::Patch(patch));
        Box::pin(stream::iter(patches).map(change).buffered(AT_ONCE).collect())
    }

    fn touch(&self, id: Id) -> Answer<'_, Option<Timestamp>> {
        Box::pin(async move { Repo::touch(self, &id).await })
    }

    fn delete(&self, id: Id, expected: Option<u64>) -> Answer<'_, bool> {
        Box::pin(async move {
            match expected {
                Some(expected) => self.delete_at(&id, expected).await.map(|()| true),
                None => Repo::delete(self, &id).await,
            }
        })
    }

    fn delete_many(&self, ids: Vec<Id>) -> Answers<'_, bool> {
        Box::pin(async move { Repo::delete_many(self, ids).await })
    }

    fn versions(&self, id: Id, limit: u64, before: u64) -> Answer<'_, Vec<VersionInfo>> {
        Box::pin(async move { Repo::versions(self, &id).limit(limit).before(before).await })
    }

    fn diff(&self, id: Id, from: u64, to: u64) -> Answer<'_, Diff> {
        Box::pin(async move { Repo::diff(self, &id, from, to).await })
    }

    fn revert(&self, id: Id, expected: Option<u64>, version: u64) -> Answer<'_, Item<Json>> {
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

    fn as_of(&self, id: Id, time: Timestamp) -> Answer<'_, Option<Item<Json>>> {
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

    fn find<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, Page<Item<Json>>> {
        Box::pin(async move {
            let page = query(self, selection, "find")?.page().await?;
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

    fn ids<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, Page<Id>> {
        Box::pin(async move { query(self, selection, "find")?.ids().await })
    }

    fn count<'a>(&'a self, selection: &'a DynamicQuery) -> Answer<'a, u64> {
        Box::pin(async move { query(self, selection, "count")?.count().await })
    }

    fn stats(&self) -> Answer<'_, CollectionStats> {
        Box::pin(async move { Repo::stats(self).await })
    }

    fn run<'a>(&'a self, id: Id, version: Option<u64>, name: &'a str) -> Answer<'a, Json> {
        Box::pin(async move {
            let operation = if version.is_some() { "run_on" } else { "run" };
            let mutation = mutation::<T>(name, operation)?;
            let item = match version {
                None => self.read_existing(&id, operation).await?,
                Some(version) => Repo::get_version(self, &id, version).await?.ok_or_else(|| {
                    let key = Repo::address(self).version(&id, version);
                    Error::new(operation, ErrorKind::NotFound).at(key)
                })?,
            };
            run(mutation, &item.data, operation)
        })
    }

    fn evaluate_all<'a>(
        &'a self,
        id: Id,
        names: &'a [&'a str],
    ) -> Answer<'a, BTreeMap<String, Json>> {
        const OPERATION: &str = "evaluate_all";
        Box::pin(async move {
            let mutations = names.iter().map(|name| mutation::<T>(name, OPERATION));
            let mutations = mutations.collect::<Result<Vec<_>>>()?;
            let item = self.read_existing(&id, OPERATION).await?;
            let result = |mutation: &dyn DynamicMutation<T>| {
                Ok((mutation.name().to_owned(), run(mutation, &item.data, OPERATION)?))
            };
            mutations.into_iter().map(result).collect()
        })
    }

    fn materialize<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Json> {
        const OPERATION: &str = "materialize";
        Box::pin(async move {
            let mutation = mutation::<T>(name, OPERATION)?;
            let Limits { bytes, depth } = self.store().limits();
            // One level is around what is stored.
            let write = |document: &T| mutation.write(document, bytes, depth - 1, OPERATION);
            let json = handle(self, &id).materialize(mutation.name(), write).await?;
            Ok(Json::from_text(json.get()))
        })
    }

    fn cached<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<Cached<Json>>> {
        Box::pin(async move {
            let mutation = mutation::<T>(name, "cached")?;
            handle(self, &id).cached(mutation.name()).await
        })
    }

    fn enqueue<'a>(
        &'a self,
        ids: Vec<Id>,
        name: &'a str,
        options: EnqueueOptions,
    ) -> Answer<'a, Vec<Result<String>>> {
        Box::pin(async move {
            let transformation = transformation::<T>(name, "enqueue")?;
            let jobs = Repo::enqueue_many(self, transformation, ids, options).await?;
            Ok(jobs.into_iter().map(|job| Ok(job?.id().to_owned())).collect())
        })
    }

    fn status<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<JobStatus<Json>>> {
        Box::pin(async move { requested(self, &id, name, "status")?.status().await })
    }

    fn result<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<Json>> {
        Box::pin(async move { requested(self, &id, name, "result")?.result().await })
    }

    fn wait<'a>(&'a self, id: Id, name: &'a str, timeout: Duration) -> Answer<'a, Json> {
        Box::pin(async move { requested(self, &id, name, "wait")?.wait(timeout).await })
    }

    fn cancel<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { requested(self, &id, name, "cancel")?.cancel().await })
    }

    fn discard<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { requested(self, &id, name, "discard")?.discard().await })
    }

    fn retry<'a>(&'a self, id: Id, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let job = requested(self, &id, name, "retry")?.retry().await?;
            Ok(job.map(|job| job.id().to_owned()))
        })
    }

    fn queue_stats<'a>(&'a self, name: &'a str) -> Answer<'a, QueueStats> {
        Box::pin(async move { Queue::new(self, transformation(name, "stats")?).stats().await })
    }

    fn dead_jobs<'a>(
        &'a self,
        name: &'a str,
        offset: usize,
        limit: usize,
    ) -> Answer<'a, Vec<DeadJob>> {
        Box::pin(async move {
            Queue::new(self, transformation(name, "dead")?).dead(offset, limit).await
        })
    }
}

/// The item with its document as JSON.
fn untyped<T: Collection>(
    repo: &Repo<T>,
    item: Item<T>,
    operation: &'static str,
) -> Result<Item<Json>> {
    let limits = Limits { bytes: usize::MAX, depth: repo.store().limits().depth };
    item.try_map(|document| content::own(&document, limits, operation).map(Json::from_text))
}

fn handle<'a, T: Collection>(repo: &'a Repo<T>, id: &Id) -> ItemHandle<'a, T> {
    ItemHandle { repo, target: id.to_target() }
}

pub(super) fn mutation<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<&'static dyn DynamicMutation<T>> {
    let found = T::MUTATIONS.iter().find(|mutation| mutation.name() == name);
    found.copied().ok_or_else(|| {
        let known = T::MUTATIONS.iter().map(|mutation| mutation.name());
        Error::unknown_name(operation, "mutation", name, known)
    })
}

fn run<T: Collection>(
    mutation: &dyn DynamicMutation<T>,
    document: &T,
    operation: &'static str,
) -> Result<Json> {
    let json = mutation.write(document, usize::MAX, usize::MAX, operation)?;
    Ok(Json::from_text(json.get()))
}

pub(super) fn transformation<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<Transformation<T, Json>> {
    let all = T::SCHEMA.transformations;
    let found = all.iter().find(|found| found.name == name).ok_or_else(|| {
        let known = all.iter().map(|found| found.name);
        Error::unknown_name(operation, "transformation", name, known)
    })?;
    Ok(Transformation::new(*found))
}

fn requested<'a, T: Collection>(
    repo: &'a Repo<T>,
    id: &Id,
    name: &str,
    operation: &'static str,
) -> Result<ItemTransformation<'a, T, Json>> {
    Ok(handle(repo, id).transformation(transformation(name, operation)?))
}
