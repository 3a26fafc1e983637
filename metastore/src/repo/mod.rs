//! The handle on one collection in one store. Each operation has its own file.

pub(crate) mod as_of;
pub(crate) mod audit;
pub(crate) mod audit_context;
pub(crate) mod base_content;
pub(crate) mod bulk;
mod commit;
mod conflict_retries;
pub(crate) mod create;
pub(crate) mod create_many;
mod deadline;
pub(crate) mod delete;
pub(crate) mod delete_many;
pub(crate) mod diff;
pub(crate) mod evaluate;
pub(crate) mod evaluate_many;
pub(crate) mod get;
pub(crate) mod get_many;
pub(crate) mod handle;
pub(crate) mod history;
pub(crate) mod mutation;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod replace;
pub(crate) mod revert;
pub(crate) mod scope;
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
use crate::json::Limits;
use crate::key::{Actor, Address, Id, Name, Segment, ToActor, ToId};
use crate::redis::command::Verdict;
use crate::redis::script::ScriptCall;
use crate::schema::CollectionSchema;
use crate::store::Store;

/// One collection in one store. Cloning is cheap.
///
/// Made by [`Store::repo`], or by a struct with `#[derive(Repository)]`.
pub struct Repo<T> {
    store: Store,
    address: Address,
    /// The key of the index of all items.
    index: Bytes,
    /// The script calls that enqueue a job of each transformation, without their items.
    request_heads: Arc<[OnceLock<Arc<ScriptCall>>]>,
    actor: Option<Actor>,
    /// The owner of the items that are created here.
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
    /// The handle on the collection; no round trip.
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

    /// The entry in the catalog.
    fn registration(&self) -> Registration {
        Registration { store: self.store.clone(), descriptor: self.descriptor() }
    }

    /// The same collection on behalf of a user. Each version and audit entry names the user, and
    /// items created here belong to the user: [`Query::owned_by`](crate::Query::owned_by) lists
    /// them. No round trip.
    ///
    /// An item keeps its owner when another user changes it.
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

    /// The address of the collection: `domain:app:collection`.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The description of this collection in the catalog; no round trip.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of::<T>(&self.address)
    }

    /// Registers the collection in the catalog of its store. `connect` of a struct with
    /// `#[derive(Repository)]` registers all its collections.
    ///
    /// One round trip, which writes only if the catalog does not have this entry yet. A
    /// definition with a higher schema number is not replaced. Of two definitions with the same
    /// number, the later one is kept.
    ///
    /// # Errors
    ///
    /// `ReadOnly` or `OutOfMemory` if the entry has to be written; `WrongType`, `Unavailable`.
    pub async fn register(&self) -> Result<()> {
        register([self.registration()]).await
    }

    /// The limits of a document or result of this collection.
    pub(crate) fn limits(&self) -> Limits {
        self.store.limits()
    }

    pub(crate) fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    pub(crate) fn owner(&self) -> Option<&Actor> {
        self.owner.as_ref()
    }

    /// The segments of everything that can be derived from an item, as scripts take them:
    /// separated by spaces.
    pub(crate) fn derived_arg() -> String {
        derived(T::SCHEMA).map(|segment| segment.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The keys of everything that may be derived from an item: stored mutations and
    /// records of transformations.
    pub(crate) fn derived_keys(&self, id: &Id) -> Vec<String> {
        let at = &self.address;
        let mutations = T::SCHEMA.mutations.iter().map(|name| at.mutation(id, name));
        let records =
            T::SCHEMA.transformations.iter().map(|found| at.transformation(id, found.name));
        mutations.chain(records).collect()
    }

    /// The names of all transformations, as scripts take them: separated by spaces.
    pub(crate) fn transformations_arg() -> String {
        T::SCHEMA.transformations.iter().map(|found| found.name).collect::<Vec<_>>().join(" ")
    }

    /// The sorted sets other than the indexes that may contain the id of an item, and from which a
    /// script that removes the item removes it.
    pub(crate) fn id_sets(&self) -> Vec<String> {
        let queues = T::SCHEMA.transformations.iter().map(|found| self.address.queue(found.name));
        let of_queues = queues.map(|queue| queue.dead);
        let derived = derived(T::SCHEMA).map(|segment| self.address.segment(&segment));
        of_queues.chain(derived).collect()
    }

    /// The error if another item has the value of a unique field.
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

    /// The script calls that enqueue a job of each transformation, without their items, in the
    /// order of the schema. Each is built when it is first used.
    pub(crate) fn request_heads(&self) -> &[OnceLock<Arc<ScriptCall>>] {
        &self.request_heads
    }

    /// The key of the index of all items. Cloning it is cheap.
    pub(crate) fn index_key(&self) -> Bytes {
        self.index.clone()
    }
}

/// The segments of the lists of items with a derived value that a collection can have.
pub(crate) fn derived(schema: &CollectionSchema) -> impl Iterator<Item = Segment> {
    let mutations = schema.mutations.iter().map(|name| Segment::Mutation((*name).to_owned()));
    let results = schema.transformations.iter().map(|found| found.name.to_owned());
    mutations.chain(results.map(Segment::Transformation))
}

/// Checks the id that an operation was called with.
pub(crate) fn checked_id(id: &(impl ToId + ?Sized), operation: &'static str) -> Result<Id> {
    id.to_id().map_err(|error| Error::from(error).during(operation))
}

/// Checks the actor that an operation was called with.
pub(crate) fn checked_actor(
    actor: &(impl ToActor + ?Sized),
    operation: &'static str,
) -> Result<Actor> {
    actor.to_actor().map_err(|error| Error::from(error).during(operation))
}
