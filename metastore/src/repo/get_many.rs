//! Reading many items, and running functions of them.

use std::sync::Arc;

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, Result};
use crate::key::{Id, ToId};
use crate::redis::command::Reply;
use crate::repo::bulk::Bulk;
use crate::repo::evaluate::DocumentFns;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "get_many";

impl<T: Document> Repo<T> {
    /// Reads many items; `None` for each that there is not. See [`Bulk`] for chunks, progress and memory.
    ///
    /// One round trip for each chunk of 100.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// for found in notes.get_many(["a", "b"]).await {
    ///     println!("{:?}", found?.map(|item| item.into_data().title));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_many<'a, K, I>(&'a self, ids: I) -> Bulk<'a, K, Option<Item<T>>>
    where
        K: ToId + Send + Sync + 'a,
        I: IntoIterator<Item = K>,
        I::IntoIter: Send + 'a,
    {
        self.get_stream(stream::iter(ids))
    }

    /// As [`Repo::get_many`], for ids that come one after the other.
    pub fn get_stream<'a, K: ToId + Send + Sync + 'a>(
        &'a self,
        ids: impl Stream<Item = K> + Send + 'a,
    ) -> Bulk<'a, K, Option<Item<T>>> {
        Bulk::new(ids, |chunk: Vec<K>| {
            let (repo, count) = (self.clone(), chunk.len());
            let ids = chunk.iter().map(|id| checked_id(id, OPERATION)).collect();
            let get = async move { repo.get_chunk(ids, OPERATION).await };
            self.store().spawn_detached(OPERATION, count, get)
        })
    }

    /// Runs several mutations and closures on each of many items, over one read of each. See [`Bulk`] for
    /// chunks, progress and memory.
    ///
    /// One round trip for each chunk of 100. An item that there is not is `NotFound`.
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
    pub fn evaluate_many<'a, K, I, B>(&'a self, ids: I, batch: B) -> Bulk<'a, K, B::Output>
    where
        K: ToId + Send + Sync + 'a,
        I: IntoIterator<Item = K>,
        I::IntoIter: Send + 'a,
        B: DocumentFns<T> + Clone + Send + Sync + 'a,
        B::Output: Send + 'a,
    {
        const OPERATION: &str = "evaluate_many";
        let batch = Arc::new(batch);
        Bulk::new(stream::iter(ids), move |chunk: Vec<K>| {
            let ids: Vec<_> = chunk.iter().map(|id| checked_id(id, OPERATION)).collect();
            let batch = batch.clone();
            async move {
                let named: Vec<Option<Id>> =
                    ids.iter().map(|id| id.as_ref().ok().cloned()).collect();
                let found = self.get_chunk(ids, OPERATION).await;
                let run = |(found, id): (Result<Option<Item<T>>>, Option<Id>)| match (found?, id) {
                    (Some(item), _) => Ok((*batch).clone().call(&item.data)),
                    (None, Some(id)) => Err(self.missing(&id, OPERATION)),
                    (None, None) => Err(Error::new(OPERATION, crate::ErrorKind::NotFound)),
                };
                found.into_iter().zip(named).map(run).collect()
            }
        })
    }

    async fn get_chunk(
        &self,
        ids: Vec<Result<Id>>,
        operation: &'static str,
    ) -> Vec<Result<Option<Item<T>>>> {
        let named = ids.iter().flatten().cloned().collect();
        let mut found = self.read_many(named, operation).await.into_iter();
        ids.into_iter().map(|id| id.and_then(|_| found.next().unwrap_or(Ok(None)))).collect()
    }

    /// Reads some items in one round trip.
    pub(crate) async fn read_many(
        &self,
        ids: Vec<Id>,
        operation: &'static str,
    ) -> Vec<Result<Option<Item<T>>>> {
        let keys: Vec<String> = ids.iter().map(|id| self.address().latest(id)).collect();
        let replies = match self.store().reader().mget(&keys).await {
            Ok(replies) => replies,
            Err(fault) => {
                let failed = |key| Err(fault.clone().into_error(operation).at(key));
                return keys.into_iter().map(failed).collect();
            }
        };
        let decode = |(key, reply): (String, Reply)| match reply.into_data() {
            Some(json) => envelope::decode(&json, &key, operation).map(Some),
            None => Ok(None),
        };
        keys.into_iter().zip(replies).map(decode).collect()
    }
}
