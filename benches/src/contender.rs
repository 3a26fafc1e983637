//! What every side can do. The rows are written once for all sides.

use std::future::Future;
use std::time::Duration;

use anyhow::Result;

use crate::document::Article;

/// How many jobs run at once in the row `process`.
pub(crate) const CONCURRENCY: usize = 100;

/// A side: metastore, or the same work hand-written. Cloning shares the connection.
pub(crate) trait Contender: Clone + Send + Sync + 'static {
    /// A document in hand, decoded, with its id and version.
    type Item: Send + Sync + 'static;

    fn id(item: &Self::Item) -> &str;
    fn version(item: &Self::Item) -> u64;

    /// Reads and decodes; an error if there is no such item.
    fn get(&self, id: &str) -> impl Future<Output = Result<Self::Item>> + Send;

    /// Validates, encodes and stores under a generated id, with an index entry, atomically.
    fn create(&self, article: Article) -> impl Future<Output = Result<Self::Item>> + Send;

    /// The same with an entry in the item's audit trail, in the same step.
    fn create_audited(&self, article: Article) -> impl Future<Output = Result<Self::Item>> + Send;

    /// Creates many, in atomic steps of a hundred, three of them in flight. Returns how many.
    fn create_many(&self, articles: Vec<Article>) -> impl Future<Output = Result<usize>> + Send;

    /// Writes the next version with another content, unless another write came first; the current
    /// version is kept. One round trip.
    fn update(
        &self,
        item: &Self::Item,
        content: String,
    ) -> impl Future<Output = Result<Self::Item>> + Send;

    /// The same without knowing the current version: reads it first.
    fn update_by_id(
        &self,
        id: &str,
        content: String,
    ) -> impl Future<Output = Result<Self::Item>> + Send;

    /// Requests a job on an item. Not timed.
    fn enqueue(&self, id: &str) -> impl Future<Output = Result<()>> + Send;

    /// Processes the `jobs` that wait, [`CONCURRENCY`] at once, with a handler that does nothing.
    /// Returns the time from the start until the last result is stored.
    fn process(&self, jobs: usize) -> impl Future<Output = Result<Duration>> + Send;
}
