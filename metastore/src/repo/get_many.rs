//! Reading many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, Result};
use crate::key::{Id, ToId};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{GET_MANY, ScriptCall};
use crate::repo::bulk::{Bulk, run_valid};
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "get_many";

/// One reply ends after this many bytes of documents, so that no reply delays other commands for
/// long.
const MAX_REPLY_BYTES: u64 = 4 * 1024 * 1024;

impl<T: Document> Repo<T> {
    /// Reads many items; `None` for each id without an item. See [`Bulk`] for chunks, progress and
    /// memory.
    ///
    /// One round trip for each chunk of 100, and one more for each 4 MiB of documents in it.
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

    /// As [`Repo::get_many`], for a stream of ids.
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

    /// Reads the items of one chunk. An invalid id keeps its error.
    async fn get_chunk(
        &self,
        ids: Vec<Result<Id>>,
        operation: &'static str,
    ) -> Vec<Result<Option<Item<T>>>> {
        run_valid(ids, |valid| self.read_many(valid, operation)).await
    }

    /// Reads items: one round trip, and one more for each 4 MiB of documents.
    pub(crate) async fn read_many(
        &self,
        ids: Vec<Id>,
        operation: &'static str,
    ) -> Vec<Result<Option<Item<T>>>> {
        let keys: Vec<String> = ids.iter().map(|id| self.address().latest(id)).collect();
        let mut items = Vec::with_capacity(keys.len());
        while items.len() < keys.len() {
            let open = &keys[items.len()..];
            match self.read_some(open, operation).await {
                Ok(documents) => {
                    let read = open.iter().zip(documents);
                    items.extend(read.map(|(key, document)| decode(key, document, operation)));
                }
                Err(error) => {
                    let failed = |key| Err(Error::new(operation, error.kind().clone()).at(key));
                    items.extend(open.iter().map(failed));
                }
            }
        }
        items
    }

    /// Reads documents, `Nil` for a key without one: one round trip, and one more for each 4 MiB.
    pub(crate) async fn read_documents(
        &self,
        keys: &[String],
        operation: &'static str,
    ) -> Result<Vec<Reply>> {
        let mut documents = Vec::with_capacity(keys.len());
        while documents.len() < keys.len() {
            documents.extend(self.read_some(&keys[documents.len()..], operation).await?);
        }
        Ok(documents)
    }

    /// Reads the first of these documents, at least one, up to [`MAX_REPLY_BYTES`] and the document
    /// that exceeds it.
    async fn read_some(&self, keys: &[String], operation: &'static str) -> Result<Vec<Reply>> {
        let call = ScriptCall::new(&GET_MANY).keys(keys.iter().cloned()).int(MAX_REPLY_BYTES);
        let reply = self.store().reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(operation))?;
        let documents = Verdict::from_reply(reply, operation)?.array(operation)?;
        if documents.is_empty() {
            return Err(unexpected(operation, &"no documents"));
        }
        Ok(documents)
    }
}

fn decode<T: Document>(
    key: &str,
    document: Reply,
    operation: &'static str,
) -> Result<Option<Item<T>>> {
    match document.into_data() {
        Some(json) => envelope::decode(&json, key, operation).map(Some),
        None => Ok(None),
    }
}
