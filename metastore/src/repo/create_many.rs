//! Creating many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::document::encode::EncodeMemory;
use crate::document::item::Item;
use crate::error::Result;
use crate::redis::write::Outcome;
use crate::repo::Repo;
use crate::repo::bulk::{Bulk, run_valid};
use crate::repo::create::New;

const OPERATION: &str = "create_many";

impl<T: Document> Repo<T> {
    /// Creates many items with generated ids. See [`Bulk`] for chunks, progress and memory.
    ///
    /// One round trip for each chunk of 100. A document that is not valid is refused; the others of
    /// its chunk are written.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let documents = (0..1_000_000).map(|number| Note { title: format!("note {number}") });
    /// let mut created = std::pin::pin!(
    ///     notes.create_many(documents).progress(|done| println!("{done} created")).stream()
    /// );
    /// # use futures_util::StreamExt;
    /// while let Some(result) = created.next().await {
    ///     if let Err(error) = result {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_many<'a, I>(&'a self, documents: I) -> Bulk<'a, T, Item<T>>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'a,
    {
        self.create_stream(stream::iter(documents))
    }

    /// As [`Repo::create_many`], for a stream of documents.
    pub fn create_stream<'a>(
        &'a self,
        documents: impl Stream<Item = T> + Send + 'a,
    ) -> Bulk<'a, T, Item<T>> {
        Bulk::new(documents, |chunk: Vec<T>| {
            let (repo, count) = (self.clone(), chunk.len());
            let create = async move { repo.create_chunk(chunk).await };
            self.store().spawn_detached(OPERATION, count, create)
        })
    }

    async fn create_chunk(&self, documents: Vec<T>) -> Vec<Result<Item<T>>> {
        let memory = &mut EncodeMemory::for_chunk(documents.len());
        let mut prepared = Vec::with_capacity(documents.len());
        prepared.extend(documents.into_iter().map(|document| self.prepare_new(document, memory)));
        run_valid(prepared, |new| self.create_prepared(new)).await
    }

    async fn create_prepared(&self, prepared: Vec<New<T>>) -> Vec<Result<Item<T>>> {
        let outcomes = if Self::is_created_alone() {
            let write = |new: &New<T>| (new.header.commit.clone(), self.create_script(new));
            self.commit_many(OPERATION, prepared.iter().map(write).collect()).await
        } else {
            let inserts = prepared.iter().map(|new| self.insert(new)).collect();
            self.commit_inserts(OPERATION, inserts).await
        };
        let mut results = Vec::with_capacity(prepared.len());
        for (new, outcome) in prepared.into_iter().zip(outcomes) {
            results.push(match outcome {
                Ok(outcome @ Outcome::Restart { .. }) => {
                    self.created(new, outcome, OPERATION).await
                }
                Ok(outcome) => self.created_item(new, outcome, OPERATION),
                Err(error) => Err(error),
            });
        }
        results
    }
}
