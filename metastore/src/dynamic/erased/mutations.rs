//! Mutations over JSON.

use std::collections::BTreeMap;

use super::response::Response;
use crate::collection::Collection;
use crate::document::item::ToTarget;
use crate::document::mutation::DynamicMutation;
use crate::dynamic::lookup::mutation;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Limits;
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::handle::ItemHandle;
use crate::repo::mutation::Cached;

/// Mutations over JSON.
pub(in crate::dynamic) trait ErasedMutations: Send + Sync {
    fn run<'a>(&'a self, id: Id, version: Option<u64>, name: &'a str) -> Response<'a, Json>;
    fn evaluate_all<'a>(
        &'a self,
        id: Id,
        names: &'a [&'a str],
    ) -> Response<'a, BTreeMap<String, Json>>;
    fn materialize<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Json>;
    fn cached<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<Cached<Json>>>;
}

impl<T: Collection> ErasedMutations for Repo<T> {
    fn run<'a>(&'a self, id: Id, version: Option<u64>, name: &'a str) -> Response<'a, Json> {
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
    ) -> Response<'a, BTreeMap<String, Json>> {
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

    fn materialize<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Json> {
        const OPERATION: &str = "materialize";
        Box::pin(async move {
            let mutation = mutation::<T>(name, OPERATION)?;
            let Limits { bytes, depth } = self.limits();
            // The stored record adds one level.
            let write = |document: &T| mutation.write(document, bytes, depth - 1, OPERATION);
            let json = handle(self, &id).materialize(mutation.name(), write).await?;
            Ok(Json::from_text(json.get()))
        })
    }

    fn cached<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<Cached<Json>>> {
        Box::pin(async move {
            let mutation = mutation::<T>(name, "cached")?;
            handle(self, &id).cached(mutation.name()).await
        })
    }
}

fn handle<'a, T: Collection>(repo: &'a Repo<T>, id: &Id) -> ItemHandle<'a, T> {
    ItemHandle { repo, target: id.to_target() }
}

fn run<T: Collection>(
    mutation: &dyn DynamicMutation<T>,
    document: &T,
    operation: &'static str,
) -> Result<Json> {
    let json = mutation.write(document, usize::MAX, usize::MAX, operation)?;
    Ok(Json::from_text(json.get()))
}
