//! Mutations and transformations by their names.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Actions;
use crate::error::Result;
use crate::key::ToId;
use crate::mutation::Cached;
use crate::repo::checked_id;
use crate::status::JobStatus;

impl Actions {
    /// Runs a mutation on the current version. See [`ItemMutation::run`](crate::ItemMutation::run).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the mutation; `NotFound`; and as the typed call.
    pub async fn run_mutation(
        &self,
        collection: &str,
        id: impl ToId,
        mutation: &str,
    ) -> Result<Value> {
        let id = checked_id(&id, "run")?;
        self.named(collection, "run")?.run(id, None, mutation).await
    }

    /// Runs a mutation on one version. See [`ItemMutation::run_on`](crate::ItemMutation::run_on).
    ///
    /// # Errors
    ///
    /// As [`Actions::run_mutation`].
    pub async fn run_mutation_on(
        &self,
        collection: &str,
        id: impl ToId,
        version: u64,
        mutation: &str,
    ) -> Result<Value> {
        let id = checked_id(&id, "run_on")?;
        self.named(collection, "run_on")?.run(id, Some(version), mutation).await
    }

    /// Runs several mutations over one read of the document; the results stand under their names. See
    /// [`ItemHandle::run_batch`](crate::ItemHandle::run_batch).
    ///
    /// # Errors
    ///
    /// As [`Actions::run_mutation`].
    pub async fn run_batch(
        &self,
        collection: &str,
        id: impl ToId,
        mutations: &[&str],
    ) -> Result<Map<String, Value>> {
        let id = checked_id(&id, "run_batch")?;
        self.named(collection, "run_batch")?.run_batch(id, mutations).await
    }

    /// Runs a mutation and stores its result. See
    /// [`ItemMutation::materialize`](crate::ItemMutation::materialize).
    ///
    /// # Errors
    ///
    /// As [`Actions::run_mutation`], and as the typed call.
    pub async fn materialize_mutation(
        &self,
        collection: &str,
        id: impl ToId,
        mutation: &str,
    ) -> Result<Value> {
        let id = checked_id(&id, "materialize")?;
        self.named(collection, "materialize")?.materialize(id, mutation).await
    }

    /// Reads the stored result of a mutation; `None` if none is stored. See
    /// [`ItemMutation::cached`](crate::ItemMutation::cached).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the mutation; and as the typed call.
    pub async fn get_mutation(
        &self,
        collection: &str,
        id: impl ToId,
        mutation: &str,
    ) -> Result<Option<Cached<Value>>> {
        let id = checked_id(&id, "cached")?;
        self.named(collection, "cached")?.cached(id, mutation).await
    }

    /// Requests a run of a transformation and gives the id of its job. See
    /// [`ItemTransformation::enqueue`](crate::ItemTransformation::enqueue).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; `NotFound`; and as the typed call.
    pub async fn enqueue(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<String> {
        let id = checked_id(&id, "enqueue")?;
        self.named(collection, "enqueue")?.enqueue(id, transformation, None).await
    }

    /// Requests a run that begins after `delay` at the earliest. See
    /// [`ItemTransformation::enqueue_in`](crate::ItemTransformation::enqueue_in).
    ///
    /// # Errors
    ///
    /// As [`Actions::enqueue`].
    pub async fn enqueue_in(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
        delay: Duration,
    ) -> Result<String> {
        let id = checked_id(&id, "enqueue")?;
        self.named(collection, "enqueue")?.enqueue(id, transformation, Some(delay)).await
    }

    /// Everything that is known of a transformation of an item; `None` if none was ever requested. See
    /// [`ItemTransformation::status`](crate::ItemTransformation::status).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn job_status(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<Option<JobStatus<Value>>> {
        let id = checked_id(&id, "status")?;
        self.named(collection, "status")?.status(id, transformation).await
    }

    /// The last result of a transformation; `None` if no run has finished yet. See
    /// [`ItemTransformation::result`](crate::ItemTransformation::result).
    ///
    /// # Errors
    ///
    /// As [`Actions::job_status`].
    pub async fn transformation_result(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<Option<Value>> {
        let id = checked_id(&id, "result")?;
        self.named(collection, "result")?.result(id, transformation).await
    }

    /// Waits for the live job of a transformation and gives its result. See
    /// [`ItemTransformation::wait`](crate::ItemTransformation::wait).
    ///
    /// # Errors
    ///
    /// `UnknownName`, also for the transformation; and as the typed call.
    pub async fn wait(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
        timeout: Duration,
    ) -> Result<Value> {
        let id = checked_id(&id, "wait")?;
        self.named(collection, "wait")?.wait(id, transformation, timeout).await
    }

    /// Ends the live job of a transformation; gives whether there was one. See
    /// [`ItemTransformation::cancel`](crate::ItemTransformation::cancel).
    ///
    /// # Errors
    ///
    /// As [`Actions::job_status`].
    pub async fn cancel(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<bool> {
        let id = checked_id(&id, "cancel")?;
        self.named(collection, "cancel")?.cancel(id, transformation).await
    }

    /// Forgets the job of a transformation if it failed for good. See
    /// [`ItemTransformation::discard`](crate::ItemTransformation::discard).
    ///
    /// # Errors
    ///
    /// As [`Actions::job_status`].
    pub async fn discard(
        &self,
        collection: &str,
        id: impl ToId,
        transformation: &str,
    ) -> Result<bool> {
        let id = checked_id(&id, "discard")?;
        self.named(collection, "discard")?.discard(id, transformation).await
    }
}
