//! Listing items in order of creation.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::key::Id;
use crate::redis::command::{Reply, Verdict};
use crate::redis::script::{FORGET, PAGE, ScriptCall};
use crate::repo::Repo;

const OPERATION: &str = "list";

/// How many items a list gives unless it is told otherwise.
const DEFAULT_LIMIT: usize = 50;

/// The most items of one list: a page that fits a script's and a caller's memory.
const MAX_LIMIT: usize = 1_000;

/// A list of items to be read: set what you need, then `.await` it.
#[must_use = "a list reads nothing until it is awaited"]
pub struct List<'a, T: Collection> {
    repo: &'a Repo<T>,
    offset: usize,
    limit: usize,
    newest_first: bool,
}

impl<T: Collection> Repo<T> {
    /// Lists items by creation time: the 50 newest, unless told otherwise.
    ///
    /// Two round trips, ids and documents. Expired and missing items are left out and removed from
    /// the index on the way.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let newest = notes.list().await?;
    /// let third_page = notes.list().oldest_first().offset(40).limit(20).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<'_, T> {
        List { repo: self, offset: 0, limit: DEFAULT_LIMIT, newest_first: true }
    }
}

impl<'a, T: Collection> List<'a, T> {
    /// At most this many items, from 1 to 1,000. Default: 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves out this many items first. Default: 0.
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// The newest item first. The default.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// The oldest item first.
    pub fn oldest_first(mut self) -> Self {
        self.newest_first = false;
        self
    }

    async fn read(self) -> Result<Vec<Item<T>>> {
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            let message = format!("limit must be from 1 to {MAX_LIMIT}, not {}", self.limit);
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let mut items = Vec::with_capacity(self.limit);
        let mut offset = self.offset;
        loop {
            let wanted = self.limit - items.len();
            let ids = self.ids(offset, wanted).await?;
            let last_page = ids.len() < wanted;
            let (found, missing) = self.documents(ids).await?;
            offset += found.len();
            items.extend(found);
            if missing.is_empty() || last_page {
                self.forget(missing).await?;
                return Ok(items);
            }
            // What was missing has left the index, so the next page begins where it stood.
            self.forget(missing).await?;
        }
    }

    async fn ids(&self, offset: usize, limit: usize) -> Result<Vec<Id>> {
        let at = self.repo.address();
        loop {
            let call = ScriptCall::new(&PAGE)
                .key(at.index())
                .key(at.expiry())
                .int(offset as u64)
                .int(limit as u64)
                .arg(if self.newest_first { "1" } else { "0" });
            let mut verdict: Verdict = self.repo.write(OPERATION, "", call).await?;
            if verdict.code == 1 {
                let ids = verdict.array(OPERATION)?;
                // An id that was not written by this library cannot be read by it either.
                return Ok(ids.iter().filter_map(|id| Id::new(id.as_text()?).ok()).collect());
            }
        }
    }

    async fn documents(&self, ids: Vec<Id>) -> Result<(Vec<Item<T>>, Vec<Id>)> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let keys: Vec<String> = ids.iter().map(|id| self.repo.address().latest(id)).collect();
        let replies = self
            .repo
            .store()
            .reader()
            .mget(keys.clone())
            .await
            .map_err(|fault| fault.into_error(OPERATION))?;
        let mut found = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        for ((id, key), reply) in ids.into_iter().zip(keys).zip(replies) {
            match reply {
                Reply::Data(json) => found.push(envelope::decode(&json, &key, OPERATION)?),
                _ => missing.push(id),
            }
        }
        Ok((found, missing))
    }

    async fn forget(&self, missing: Vec<Id>) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let at = self.repo.address();
        let mut call = ScriptCall::new(&FORGET).key(at.index()).key(at.expiry());
        for id in &missing {
            call = call.key(at.latest(id));
        }
        for id in &missing {
            call = call.arg(id.as_str().to_owned());
        }
        self.repo.write(OPERATION, "", call).await.map(|_| ())
    }
}

impl<'a, T: Collection> IntoFuture for List<'a, T> {
    type Output = Result<Vec<Item<T>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
