//! Deleting many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::error::Result;
use crate::key::{Id, ToId};
use crate::redis::write::{UNTIMELY, WriteSet};
use crate::repo::bulk::Bulk;
use crate::repo::delete::PARTLY;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "delete_many";

impl<T: Document> Repo<T> {
    /// Deletes many items, as [`Repo::delete`] does, and gives for each whether there was one. See [`Bulk`]
    /// for chunks, progress and memory.
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

    /// As [`Repo::delete_many`], for ids that come one after the other.
    pub fn delete_stream<'a, K: ToId + Send + Sync + 'a>(
        &'a self,
        ids: impl Stream<Item = K> + Send + 'a,
    ) -> Bulk<'a, K, bool> {
        Bulk::new(ids, |chunk| {
            self.delete_chunk(chunk.iter().map(|id| checked_id(id, OPERATION)).collect())
        })
    }

    async fn delete_chunk(&self, ids: Vec<Result<Id>>) -> Vec<Result<bool>> {
        let commit = |id: &Id| {
            let commit = self.store().new_ulid().to_string();
            let call = self.delete_script(id, &commit);
            (commit, WriteSet::Conditional(call))
        };
        let commits = ids.iter().flatten().map(commit).collect();
        let mut verdicts = self.send_many(OPERATION, commits).await.into_iter();
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            results.push(match id {
                Err(error) => Err(error),
                Ok(id) => match verdicts.next() {
                    Some(Ok(Some(verdict))) if matches!(verdict.code, PARTLY | UNTIMELY) => {
                        self.delete(&id).await
                    }
                    Some(Ok(Some(verdict))) => Ok(verdict.code == 1),
                    Some(Err(error)) => Err(error.at(self.address().latest(&id))),
                    _ => Ok(false),
                },
            });
        }
        results
    }
}
