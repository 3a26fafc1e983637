//! Running functions of many items.

use std::sync::Arc;

use futures_util::stream;

use crate::document::Document;
use crate::error::Result;
use crate::key::{Id, ToId};
use crate::repo::bulk::Bulk;
use crate::repo::evaluate::DocumentFns;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "evaluate_many";

impl<T: Document> Repo<T> {
    /// Runs several mutations and closures on each of many items, over one read of each. See
    /// [`Bulk`] for chunks, progress and memory.
    ///
    /// One round trip for each chunk of 100, and one more for each 4 MiB of documents in it. An id
    /// without an item is `NotFound`.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Id, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "texts", object_type = texts)]
    /// # #[mutation(wordcount -> usize)]
    /// # struct Text { content: String }
    /// # impl Text { fn wordcount(&self) -> usize { 0 } }
    /// # async fn example(texts: Repo<Text>, ids: Vec<Id>) -> Result<(), metastore::Error> {
    /// let functions = (Text::WORDCOUNT, |text: &Text| text.content.len());
    /// for result in texts.evaluate_many(ids, functions).await {
    ///     let (words, bytes) = result?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn evaluate_many<'a, K, I, F>(&'a self, ids: I, functions: F) -> Bulk<'a, K, F::Output>
    where
        K: ToId + Send + Sync + 'a,
        I: IntoIterator<Item = K>,
        I::IntoIter: Send + 'a,
        F: DocumentFns<T> + Clone + Send + Sync + 'a,
        F::Output: Send + 'a,
    {
        let functions = Arc::new(functions);
        Bulk::new(stream::iter(ids), move |chunk: Vec<K>| {
            let ids: Vec<_> = chunk.iter().map(|id| checked_id(id, OPERATION)).collect();
            let functions = functions.clone();
            async move {
                let valid: Vec<Id> = ids.iter().flatten().cloned().collect();
                let mut found = self.read_many(valid, OPERATION).await.into_iter();
                let evaluate = |id: Result<Id>| {
                    let id = id?;
                    match found.next().unwrap_or(Ok(None))? {
                        Some(item) => Ok((*functions).clone().call(&item.data)),
                        None => Err(self.missing(&id, OPERATION)),
                    }
                };
                ids.into_iter().map(evaluate).collect()
            }
        })
    }
}
