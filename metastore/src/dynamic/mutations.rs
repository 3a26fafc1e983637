//! Mutations.

use std::collections::BTreeMap;

use super::Dynamic;
use crate::error::Result;
use crate::json::text::Json;
use crate::key::ToId;
use crate::repo::checked_id;
use crate::repo::mutation::Cached;

impl Dynamic {
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
    ) -> Result<Json> {
        let id = checked_id(&id, "run")?;
        self.lookup(collection, "run")?.run(id, None, mutation).await
    }

    /// Runs a mutation on one version. See [`ItemMutation::run_on`](crate::ItemMutation::run_on).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::run_mutation`].
    pub async fn run_mutation_on(
        &self,
        collection: &str,
        id: impl ToId,
        version: u64,
        mutation: &str,
    ) -> Result<Json> {
        let id = checked_id(&id, "run_on")?;
        self.lookup(collection, "run_on")?.run(id, Some(version), mutation).await
    }

    /// Runs several mutations over one read of the document; the results are keyed by name. See
    /// [`ItemHandle::evaluate_all`](crate::ItemHandle::evaluate_all).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::run_mutation`].
    pub async fn evaluate_all(
        &self,
        collection: &str,
        id: impl ToId,
        mutations: &[&str],
    ) -> Result<BTreeMap<String, Json>> {
        let id = checked_id(&id, "evaluate_all")?;
        self.lookup(collection, "evaluate_all")?.evaluate_all(id, mutations).await
    }

    /// Runs a mutation and stores its result. See
    /// [`ItemMutation::materialize`](crate::ItemMutation::materialize).
    ///
    /// # Errors
    ///
    /// As [`Dynamic::run_mutation`], and as the typed call.
    pub async fn materialize_mutation(
        &self,
        collection: &str,
        id: impl ToId,
        mutation: &str,
    ) -> Result<Json> {
        let id = checked_id(&id, "materialize")?;
        self.lookup(collection, "materialize")?.materialize(id, mutation).await
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
    ) -> Result<Option<Cached<Json>>> {
        let id = checked_id(&id, "cached")?;
        self.lookup(collection, "cached")?.cached(id, mutation).await
    }
}
