//! The mutations of one item: running them, storing their results and reading those.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::document::envelope::{self, HEADER_LEN};
use crate::document::mutation::Mutation;
use crate::error::{Error, ErrorKind, Result};
use crate::json::write_json;
use crate::key::Segment;
use crate::redis::command::{Command, Reply};
use crate::redis::script::{MATERIALIZE, ScriptCall, code};
use crate::repo::handle::ItemHandle;
use crate::time::Timestamp;

/// A stored result of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cached<R> {
    /// The result.
    pub value: R,
    /// The version that it was computed from.
    pub source_version: u64,
    /// When it was computed.
    pub computed_at: Timestamp,
    /// Whether the item has changed since.
    pub stale: bool,
}

/// The stored form of a result. Version, commit and origin come first: `result_header_of` in
/// `lib/header.lua` reads them, and a test compares both.
#[derive(Serialize, Deserialize)]
pub(crate) struct MaterializedResult<R> {
    pub(crate) version: u64,
    pub(crate) commit: String,
    /// The origin of the item, so that a result of an earlier item with the same id is not read.
    pub(crate) origin: String,
    pub(crate) computed: Timestamp,
    pub(crate) value: R,
}

/// The item of a stored result, read before the result itself, since a result of an earlier item
/// may have another type.
#[derive(Deserialize)]
struct Origin {
    origin: String,
}

/// A mutation of one item.
#[must_use = "a mutation does nothing until it is run, materialized or read"]
pub struct ItemMutation<'a, T: Document, R> {
    handle: ItemHandle<'a, T>,
    mutation: Mutation<T, R>,
}

impl<T: Document, R> Clone for ItemMutation<'_, T, R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), mutation: self.mutation }
    }
}

impl<'a, T: Document> ItemHandle<'a, T> {
    /// A mutation of this item. The collection's own handle has a method for each.
    pub fn mutation<R>(&self, mutation: Mutation<T, R>) -> ItemMutation<'a, T, R> {
        ItemMutation { handle: self.clone(), mutation }
    }
}

impl<T: Document, R> ItemMutation<'_, T, R> {
    /// Runs the mutation on the current version.
    ///
    /// One round trip; none with an item in hand.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`Repo::get`](crate::Repo::get).
    pub async fn run(self) -> Result<R> {
        self.handle.with_item("run", |item| self.mutation.apply(&item.data)).await
    }

    /// Runs the mutation on one version.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such item or version, and as [`Repo::get`](crate::Repo::get).
    pub async fn run_on(self, version: u64) -> Result<R> {
        let id = self.handle.id("run_on")?;
        let item = self.handle.repo.get_version(&id, version).await?;
        let item = item.ok_or_else(|| {
            let key = self.handle.repo.address().version(&id, version);
            Error::new("run_on", ErrorKind::NotFound).at(key)
        })?;
        Ok(self.mutation.apply(&item.data))
    }
}

impl<T: Document, R: Serialize> ItemMutation<'_, T, R> {
    /// Runs the mutation, stores the result with the version that it was computed
    /// from, and returns it.
    ///
    /// One round trip with an item in hand; two by id, since the document is read first. The result
    /// is removed or expires with the item. A result of a later version is never overwritten.
    ///
    /// # Errors
    ///
    /// `NotFound` if the item no longer exists or another item has its id; `TooLarge`, `TooDeep`,
    /// `Encode` for a result that cannot be stored; and as [`Repo::get`](crate::Repo::get).
    pub async fn materialize(self) -> Result<R> {
        let run = |document: &T| Ok(self.mutation.apply(document));
        self.handle.materialize(self.mutation.name(), run).await
    }
}

impl<T: Document> ItemHandle<'_, T> {
    /// Runs a function of the document, stores its result as that of a mutation, and returns it.
    pub(crate) async fn materialize<R: Serialize>(
        &self,
        mutation: &'static str,
        run: impl FnOnce(&T) -> Result<R>,
    ) -> Result<R> {
        const OPERATION: &str = "materialize";
        let repo = self.repo;
        let (id, version, commit, origin, value) = self
            .with_item(OPERATION, |item| {
                let origin = item.origin().to_owned();
                (item.id.clone(), item.version, item.commit.clone(), origin, run(&item.data))
            })
            .await?;
        let at = repo.address();
        let key = at.mutation(&id, mutation);
        let value = value.map_err(|error| error.at(key.clone()))?;
        let own_commit = repo.store().new_ulid().to_string();
        let computed = repo.store().now();
        let commit_id = own_commit.clone();
        let stored = MaterializedResult { version, commit: commit_id, origin, computed, value };
        let mut json = Vec::with_capacity(128);
        write_json(&mut json, &stored, repo.limits(), OPERATION)
            .map_err(|error| error.at(key.clone()))?;
        let call = ScriptCall::new(&MATERIALIZE)
            .key(at.latest(&id))
            .key(key.clone())
            .key(at.audit(&id))
            .key(at.index())
            .key(at.segment(&Segment::Mutation(mutation.to_owned())))
            .address(at)
            .arg(id.as_str().to_owned())
            .arg(own_commit.clone())
            .int(version)
            .arg(commit)
            .arg(stored.origin)
            .arg(json)
            .audit(&repo.audit_context())
            .arg(mutation);
        let verdict = repo.write(OPERATION, &own_commit, call).await?;
        match verdict.code {
            code::DONE => Ok(stored.value),
            code::NOT_FOUND => Err(repo.missing(&id, OPERATION)),
            _ => Err(Error::new(OPERATION, envelope::not_an_envelope()).at(at.latest(&id))),
        }
    }
}

impl<T: Document, R: DeserializeOwned> ItemMutation<'_, T, R> {
    /// Reads the stored result; `None` if there is none, or the item no longer exists.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if the stored result does not decode as the mutation's type;
    /// `InvalidId`, `Unavailable`.
    pub async fn cached(self) -> Result<Option<Cached<R>>> {
        self.handle.cached(self.mutation.name()).await
    }
}

impl<T: Document> ItemHandle<'_, T> {
    /// Reads the stored result of a mutation.
    pub(crate) async fn cached<R: DeserializeOwned>(
        &self,
        mutation: &'static str,
    ) -> Result<Option<Cached<R>>> {
        const OPERATION: &str = "cached";
        let repo = self.repo;
        let id = self.id(OPERATION)?;
        let (key, latest) = (repo.address().mutation(&id, mutation), repo.address().latest(&id));
        let commands = vec![
            Command::new("GET").arg(key.clone()),
            Command::new("GETRANGE").arg(latest.clone()).int(0).int(HEADER_LEN as u64 - 1),
        ];
        let replies = repo
            .store()
            .reader()
            .pipeline(commands)
            .await
            .map_err(|fault| fault.into_error(OPERATION).at(key.clone()))?;
        let mut replies = replies.into_iter().map(Reply::into_data);
        let (Some(json), Some(start)) = (replies.next().flatten(), replies.next().flatten()) else {
            return Ok(None);
        };
        if start.is_empty() {
            return Ok(None);
        }
        let current = envelope::decode_header(&start, &latest, OPERATION)?;
        let of: Origin = envelope::decode_value(&json, &key, OPERATION)?;
        if of.origin != current.origin() {
            return Ok(None);
        }
        let stored: MaterializedResult<R> = envelope::decode_value(&json, &key, OPERATION)?;
        Ok(Some(Cached {
            value: stored.value,
            source_version: stored.version,
            computed_at: stored.computed,
            stale: stored.version < current.version,
        }))
    }
}
