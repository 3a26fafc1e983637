//! `Queue`: the queue of one transformation.

use crate::document::Document;
use crate::document::transformation::Transformation;
use crate::error::Result;
use crate::key::{Id, TransformationKeys};
use crate::redis::command::Verdict;
use crate::redis::script::ScriptCall;
use crate::redis::write::retry::RetryPolicy;
use crate::repo::Repo;
use crate::schema::TransformationSchema;

/// The queue of one transformation of one collection.
pub struct Queue<T> {
    pub(super) repo: Repo<T>,
    pub(super) schema: TransformationSchema,
    pub(super) keys: TransformationKeys,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { repo: self.repo.clone(), schema: self.schema, keys: self.keys.clone() }
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("transformation", &self.schema.name).finish_non_exhaustive()
    }
}

impl<T: Document> Queue<T> {
    /// Returns the queue of a transformation. No round trip.
    #[must_use]
    pub fn new<R>(repo: &Repo<T>, transformation: Transformation<T, R>) -> Self {
        Self::of_schema(repo, transformation.schema())
    }

    /// Returns the queues of all transformations of a collection, except those with
    /// `mode = inline`. No round trip.
    #[must_use]
    pub fn all(repo: &Repo<T>) -> Vec<Self> {
        let queued = T::SCHEMA.transformations.iter().filter(|schema| !schema.inline);
        queued.map(|schema| Self::of_schema(repo, *schema)).collect()
    }

    pub(crate) fn of_schema(repo: &Repo<T>, schema: TransformationSchema) -> Self {
        Self { keys: repo.address().queue(schema.name), repo: repo.clone(), schema }
    }

    /// The name and the settings of the transformation.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }

    /// The collection.
    #[must_use]
    pub fn repo(&self) -> &Repo<T> {
        &self.repo
    }

    /// The keys of the lists of waiting jobs.
    pub(crate) fn lists(&self) -> [String; 4] {
        self.keys.lists()
    }

    /// The key and the arguments that the scripts on a queue begin with: from them they build the
    /// keys of the queue, of items and of records.
    pub(crate) fn begin(&self, call: ScriptCall) -> ScriptCall {
        call.key(self.keys.jobs.clone()).address(self.repo.address()).arg(self.schema.name)
    }

    /// The key of a job's record.
    pub(super) fn record(&self, id: &Id) -> String {
        self.repo.address().transformation(id, self.schema.name)
    }

    pub(super) async fn write(
        &self,
        operation: &'static str,
        id: &str,
        call: ScriptCall,
        retry: RetryPolicy,
    ) -> Result<Verdict> {
        let writer = self.repo.store().writer();
        let verdict = writer.commit_script(operation, id, call, retry).await;
        verdict.map_err(|error| error.at(self.keys.waiting.clone()))
    }

    pub(super) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::for_at_most(self.repo.store().settings().outcome_timeout)
    }
}
