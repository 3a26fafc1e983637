//! The handle on one collection in one store. One operation a file.

pub(crate) mod as_of;
pub(crate) mod audit;
pub(crate) mod audit_context;
pub(crate) mod before;
pub(crate) mod bulk;
pub(crate) mod create;
pub(crate) mod create_many;
pub(crate) mod delete;
pub(crate) mod delete_many;
pub(crate) mod diff;
pub(crate) mod evaluate;
pub(crate) mod get;
pub(crate) mod get_many;
pub(crate) mod handle;
pub(crate) mod history;
pub(crate) mod mutation;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod replace;
pub(crate) mod revert;
pub(crate) mod touch;
pub(crate) mod triggers;
pub(crate) mod trim;
pub(crate) mod update;
pub(crate) mod update_many;

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::catalog::{Descriptor, Registration, register};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Entries;
use crate::json::without_value;
use crate::key::{Actor, Address, Id, Name, Segment, ToActor, ToId};
use crate::redis::command::Verdict;
use crate::redis::script::ScriptCall;
use crate::redis::write::{Answer, Commit, REFUSED_BEFORE, UNTIMELY, WriteSet};
use crate::schema::CollectionSchema;
use crate::store::Store;
use crate::time::{Timestamp, millis};

/// One collection in one store. Cloning is cheap.
///
/// Made by [`Store::repo`], or by a struct with `#[derive(Repository)]`.
pub struct Repo<T> {
    store: Store,
    address: Address,
    /// The key of the index of all items, which each of them is written to.
    index: Bytes,
    /// What requests of each transformation have in common.
    request_heads: Arc<[OnceLock<Arc<ScriptCall>>]>,
    actor: Option<Actor>,
    /// Whose the items are that are created here.
    owner: Option<Actor>,
    document: PhantomData<fn() -> T>,
}

impl<T> Clone for Repo<T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            address: self.address.clone(),
            index: self.index.clone(),
            request_heads: self.request_heads.clone(),
            actor: self.actor.clone(),
            owner: self.owner.clone(),
            document: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for Repo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<T: Document> Repo<T> {
    /// Opens the collection; no round trip.
    pub(crate) fn open(store: &Store) -> Self {
        let schema = T::SCHEMA;
        let settings = store.settings();
        let name = |own: &str, overridden: &Option<String>| {
            // The derive checks literals and connecting checks overrides, so neither fails here.
            Name::new(overridden.as_deref().unwrap_or(own))
                .unwrap_or_else(|error| panic!("{error}"))
        };
        let address = Address::new(
            &name(schema.domain, &settings.domain),
            &name(schema.app, &settings.app),
            &name(schema.name, &None),
        );
        let actor = settings.actor.as_deref().and_then(|actor| Actor::new(actor).ok());
        let index = address.index().into();
        let request_heads = schema.transformations.iter().map(|_| OnceLock::new()).collect();
        let (store, owner, document) = (store.clone(), None, PhantomData);
        Self { store, address, index, request_heads, actor, owner, document }
    }

    /// The collection on behalf of a user.
    pub(crate) fn on_behalf_of(&self, user: &Actor) -> Self {
        Self { actor: Some(user.clone()), owner: Some(user.clone()), ..self.clone() }
    }

    /// What the catalog is to record.
    fn registration(&self) -> Registration {
        Registration { store: self.store.clone(), descriptor: self.descriptor() }
    }

    /// The same collection on behalf of a user: each version and audit entry names the user, and items
    /// created here are the user's, to be listed with [`Query::owned_by`](crate::Query::owned_by). No
    /// round trip.
    ///
    /// An item stays its owner's whoever changes it.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// notes.as_user("u42")?.create(Note { title: "Milk".into() }).await?;
    /// let theirs = notes.list().owned_by("u42").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the user's name is empty or too long, see [`Actor`].
    pub fn as_user(&self, user: impl ToActor) -> Result<Self> {
        Ok(self.on_behalf_of(&checked_actor(&user, "as_user")?))
    }

    /// The store that the collection is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the collection lives: `domain:app:collection`.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What the catalog says of this collection once it is registered; no round trip.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of::<T>(&self.address)
    }

    /// Enters the collection into the catalog of its store. `connect` of a struct with
    /// `#[derive(Repository)]` does so for all its collections.
    ///
    /// One round trip, which writes only if the catalog has no such entry yet. A definition with a
    /// higher schema number stays, and of two with the same number the later.
    ///
    /// # Errors
    ///
    /// `ReadOnly` or `OutOfMemory` if there is something to be entered; `WrongType`, `Unavailable`.
    pub async fn register(&self) -> Result<()> {
        register([self.registration()]).await
    }

    pub(crate) fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The actor as scripts take it: empty for nobody.
    pub(crate) fn actor_arg(&self) -> String {
        self.actor.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// How many versions to keep, as scripts take it: empty for any number.
    pub(crate) fn keep_arg() -> String {
        T::SCHEMA.keep.map(|versions| versions.to_string()).unwrap_or_default()
    }

    /// For how long to keep a superseded version, as scripts take it: empty for ever.
    pub(crate) fn keep_for_arg() -> String {
        T::SCHEMA.keep_for.map(|time| millis(time).to_string()).unwrap_or_default()
    }

    pub(crate) fn owner(&self) -> Option<&Actor> {
        self.owner.as_ref()
    }

    /// What is to stand in the indexes for a document; `None` where nothing ever does.
    pub(crate) fn entries(
        document: &T,
        created: Timestamp,
        owner: Option<&Actor>,
        operation: &'static str,
    ) -> Result<Option<Entries>> {
        if owner.is_none() && !T::SCHEMA.is_indexed() {
            return Ok(None);
        }
        Entries::of(document, T::INDEXES, created, owner, operation).map(Some)
    }

    /// The same for a document that is being written as this JSON. Where what is read may be another
    /// document than what was written, the one that will be read decides.
    pub(crate) fn entries_written(
        document: &T,
        json: &[u8],
        created: Timestamp,
        owner: Option<&Actor>,
        operation: &'static str,
    ) -> Result<Option<Entries>> {
        if !T::SCHEMA.reads_otherwise || !T::SCHEMA.is_indexed() {
            return Self::entries(document, created, owner, operation);
        }
        let read: T = serde_json::from_slice(json).map_err(|error| {
            let reason = format!("the document would not read back: {}", without_value(&error));
            Error::new(operation, ErrorKind::Encode(reason))
        })?;
        Self::entries(&read, created, owner, operation)
    }

    /// The keys of all that may be derived from an item: stored mutations and records of transformations.
    pub(crate) fn derived_keys(&self, id: &Id) -> Vec<String> {
        let at = &self.address;
        let mutations = T::SCHEMA.mutations.iter().map(|name| at.mutation(id, name));
        let records =
            T::SCHEMA.transformations.iter().map(|found| at.transformation(id, found.name));
        mutations.chain(records).collect()
    }

    /// The sorted sets beside the indexes that may hold the id of an item, from which whoever forgets
    /// the item removes it.
    pub(crate) fn id_sets(&self) -> Vec<String> {
        let queues = T::SCHEMA.transformations.iter().map(|found| self.address.queue(found.name));
        let of_queues = queues.flat_map(|queue| [queue.delayed, queue.leased, queue.dead]);
        let derived = derived(T::SCHEMA).map(|segment| self.address.segment(&segment));
        of_queues.chain(derived).collect()
    }

    /// The error for a value of a unique field that another item has.
    pub(crate) fn value_taken(
        &self,
        id: &Id,
        mut verdict: Verdict,
        operation: &'static str,
    ) -> Result<Error> {
        let index = verdict.text(operation)?;
        let field = T::SCHEMA.field_of_segment(&index).map(ToOwned::to_owned);
        let kind = ErrorKind::AlreadyExists { field: Some(field.unwrap_or(index)) };
        Ok(Error::new(operation, kind).at(self.address.latest(id)))
    }

    /// When an item written at `now` is to expire.
    pub(crate) fn deadline(now: Timestamp) -> Option<Timestamp> {
        T::SCHEMA.ttl.map(|ttl| now.plus(ttl))
    }

    /// What requests of each transformation have in common, in the order of the schema, once it is made.
    pub(crate) fn request_heads(&self) -> &[OnceLock<Arc<ScriptCall>>] {
        &self.request_heads
    }

    /// The key of the index of all items. Cloning it is cheap.
    pub(crate) fn index_key(&self) -> Bytes {
        self.index.clone()
    }

    /// Sends a conditional write.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        commit_id: &str,
        call: ScriptCall,
    ) -> Result<Verdict> {
        let writes = WriteSet::Conditional(call);
        match self.send(operation, commit_id, writes).await? {
            Some(verdict) => Ok(verdict),
            None => Err(Error::new(operation, ErrorKind::Server("no verdict".to_owned()))),
        }
    }

    /// Sends what an operation writes.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        commit_id: &str,
        writes: WriteSet<'_>,
    ) -> Result<Option<Verdict>> {
        let patience = self.store.settings().outcome_timeout;
        let sent = Commit { operation, id: commit_id, writes, patience };
        let answer = self.store.writer().commit(sent).await?;
        answer.map(|answer| self.verdict(answer, operation)).transpose()
    }

    fn verdict(&self, answer: Answer, operation: &'static str) -> Result<Verdict> {
        let mut verdict = Verdict::from_reply(answer.reply, operation)?;
        verdict.after_loss = answer.after_loss;
        if verdict.code == REFUSED_BEFORE {
            // Made again under another commit id, as one whose time was wrong.
            verdict.code = UNTIMELY;
        } else if verdict.code == UNTIMELY {
            self.store.correct_clock(verdict.number(operation)?);
        }
        Ok(verdict)
    }

    /// Sends what an operation writes for many items, in one atomic step.
    pub(crate) async fn send_many<C: AsRef<str>>(
        &self,
        operation: &'static str,
        commits: Vec<(C, WriteSet<'_>)>,
    ) -> Vec<Result<Option<Verdict>>> {
        let patience = self.store.settings().outcome_timeout;
        let replies = self.store.writer().commit_many(operation, commits, patience).await;
        let verdict = |answer| self.verdict(answer, operation);
        replies.into_iter().map(|answer| answer?.map(verdict).transpose()).collect()
    }
}

/// The lists of items that have a derived value, which a collection can have.
pub(crate) fn derived(schema: &CollectionSchema) -> impl Iterator<Item = Segment> {
    let mutations = schema.mutations.iter().map(|name| Segment::Mutation((*name).to_owned()));
    let results = schema.transformations.iter().map(|found| found.name.to_owned());
    mutations.chain(results.map(Segment::Transformation))
}

/// Checks an id where an operation begins.
pub(crate) fn checked_id(id: &(impl ToId + ?Sized), operation: &'static str) -> Result<Id> {
    id.to_id().map_err(|error| Error::from(error).during(operation))
}

/// Checks who does something where an operation begins.
pub(crate) fn checked_actor(
    actor: &(impl ToActor + ?Sized),
    operation: &'static str,
) -> Result<Actor> {
    actor.to_actor().map_err(|error| Error::from(error).during(operation))
}
