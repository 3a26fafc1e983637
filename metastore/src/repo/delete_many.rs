//! Deleting many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::error::Result;
use crate::key::{Id, ToId};
use crate::redis::script::code;
use crate::redis::write::Outcome;
use crate::repo::bulk::{Bulk, run_valid};
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "delete_many";

impl<T: Document> Repo<T> {
    /// Deletes many items, as [`Repo::delete`] does, and returns for each whether it existed. See
    /// [`Bulk`] for chunks, progress and memory.
    ///
    /// One round trip for each chunk of 100.
    pub fn delete_many<'a, K, I>(&'a self, ids: I) -> Bulk<'a, K, bool>
    where
        K: ToId + Send + Sync + 'a,
        I: IntoIterator<Item = K>,
        I::IntoIter: Send + 'a,
    {
        self.delete_stream(stream::iter(ids))
    }

    /// As [`Repo::delete_many`], for a stream of ids.
    pub fn delete_stream<'a, K: ToId + Send + Sync + 'a>(
        &'a self,
        ids: impl Stream<Item = K> + Send + 'a,
    ) -> Bulk<'a, K, bool> {
        Bulk::new(ids, |chunk: Vec<K>| {
            let checked = chunk.iter().map(|id| checked_id(id, OPERATION)).collect();
            run_valid(checked, |ids| self.delete_chunk(ids))
        })
    }

    async fn delete_chunk(&self, ids: Vec<Id>) -> Vec<Result<bool>> {
        let write = |id: &Id| {
            let commit = self.store().new_ulid().to_string();
            let call = self.delete_script(id, &commit);
            (commit, call)
        };
        let outcomes = self.commit_many(OPERATION, ids.iter().map(write).collect()).await;
        let mut results = Vec::with_capacity(ids.len());
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            results.push(match outcome {
                Ok(Outcome::Verdict(verdict)) if verdict.code != code::PARTLY => {
                    Ok(verdict.code == code::DONE)
                }
                Ok(_) => self.delete(&id).await,
                Err(error) => Err(error.at(self.address().latest(&id))),
            });
        }
        results
    }
}
