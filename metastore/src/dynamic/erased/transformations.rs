//! Transformations over JSON.

use std::time::Duration;

use super::response::Response;
use crate::collection::Collection;
use crate::document::item::ToTarget;
use crate::dynamic::lookup::transformation;
use crate::error::Result;
use crate::job::item_transformation::ItemTransformation;
use crate::job::options::EnqueueOptions;
use crate::job::queue::{DeadJob, Queue, QueueStats};
use crate::job::status::JobStatus;
use crate::json::text::Json;
use crate::key::Id;
use crate::repo::Repo;
use crate::repo::handle::ItemHandle;

/// Transformations over JSON.
pub(in crate::dynamic) trait ErasedTransformations: Send + Sync {
    fn enqueue<'a>(
        &'a self,
        ids: Vec<Id>,
        name: &'a str,
        options: EnqueueOptions,
    ) -> Response<'a, Vec<Result<String>>>;
    fn status<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<JobStatus>>;
    fn result<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<Json>>;
    fn wait<'a>(&'a self, id: Id, name: &'a str, timeout: Duration) -> Response<'a, Json>;
    fn cancel<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, bool>;
    fn discard<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, bool>;
    fn retry<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<String>>;
    fn queue_stats<'a>(&'a self, name: &'a str) -> Response<'a, QueueStats>;
    fn dead_jobs<'a>(
        &'a self,
        name: &'a str,
        offset: usize,
        limit: usize,
    ) -> Response<'a, Vec<DeadJob>>;
}

impl<T: Collection> ErasedTransformations for Repo<T> {
    fn enqueue<'a>(
        &'a self,
        ids: Vec<Id>,
        name: &'a str,
        options: EnqueueOptions,
    ) -> Response<'a, Vec<Result<String>>> {
        Box::pin(async move {
            let transformation = transformation::<T>(name, "enqueue")?;
            let jobs = Repo::enqueue_many(self, transformation, ids, options).await?;
            Ok(jobs.into_iter().map(|job| Ok(job?.id().to_owned())).collect())
        })
    }

    fn status<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<JobStatus>> {
        Box::pin(async move { item_transformation(self, &id, name, "status")?.status().await })
    }

    fn result<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<Json>> {
        Box::pin(async move { item_transformation(self, &id, name, "result")?.result().await })
    }

    fn wait<'a>(&'a self, id: Id, name: &'a str, timeout: Duration) -> Response<'a, Json> {
        Box::pin(async move { item_transformation(self, &id, name, "wait")?.wait(timeout).await })
    }

    fn cancel<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, bool> {
        Box::pin(async move { item_transformation(self, &id, name, "cancel")?.cancel().await })
    }

    fn discard<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, bool> {
        Box::pin(async move { item_transformation(self, &id, name, "discard")?.discard().await })
    }

    fn retry<'a>(&'a self, id: Id, name: &'a str) -> Response<'a, Option<String>> {
        Box::pin(async move {
            let job = item_transformation(self, &id, name, "retry")?.retry().await?;
            Ok(job.map(|job| job.id().to_owned()))
        })
    }

    fn queue_stats<'a>(&'a self, name: &'a str) -> Response<'a, QueueStats> {
        Box::pin(async move { Queue::new(self, transformation(name, "stats")?).stats().await })
    }

    fn dead_jobs<'a>(
        &'a self,
        name: &'a str,
        offset: usize,
        limit: usize,
    ) -> Response<'a, Vec<DeadJob>> {
        Box::pin(async move {
            Queue::new(self, transformation(name, "dead")?).dead(offset, limit).await
        })
    }
}

fn item_transformation<'a, T: Collection>(
    repo: &'a Repo<T>,
    id: &Id,
    name: &str,
    operation: &'static str,
) -> Result<ItemTransformation<'a, T, Json>> {
    let handle = ItemHandle { repo, target: id.to_target() };
    Ok(handle.transformation(transformation(name, operation)?))
}
