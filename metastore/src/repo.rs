//! The handle on one collection in one store. Its operations are in `op`, one a file.

use std::marker::PhantomData;

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::ItemHandle;
use crate::item::Target;
use crate::key::{Address, Id, Name, ToId};
use crate::redis::command::Verdict;
use crate::redis::commit::{Commit, WriteSet};
use crate::redis::script::ScriptCall;
use crate::store::Store;
use crate::time::{Timestamp, millis};

/// One collection in one store. Cloning is cheap.
///
/// Made by [`Store::repo`], or by a struct with `#[derive(Repository)]`.
pub struct Repo<T> {
    store: Store,
    address: Address,
    actor: Option<Id>,
    document: PhantomData<fn() -> T>,
}

impl<T> Clone for Repo<T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            address: self.address.clone(),
            actor: self.actor.clone(),
            document: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for Repo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What can be opened on a store; the fields of a struct with `#[derive(Repository)]`.
#[diagnostic::on_unimplemented(
    message = "a field of a repository must be a `Repo<…>`, not `{Self}`",
    label = "not a `Repo<…>`"
)]
pub trait FromStore {
    /// Opens it; no round trip.
    fn from_store(store: &Store) -> Self;
}

impl<T: Collection> FromStore for Repo<T> {
    fn from_store(store: &Store) -> Self {
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
        let actor = settings.actor.as_deref().and_then(|actor| Id::new(actor).ok());
        Self { store: store.clone(), address, actor, document: PhantomData }
    }
}

impl Store {
    /// Opens a collection; no round trip.
    #[must_use]
    pub fn repo<T: Collection>(&self) -> Repo<T> {
        Repo::from_store(self)
    }
}

impl<T: Collection> Repo<T> {
    /// One item: where its mutations and transformations are called. No round trip.
    ///
    /// With an [`Item`](crate::Item) in hand instead of an id, its mutations work on that document
    /// without reading it again.
    #[must_use]
    pub fn item<'a>(&'a self, target: impl Into<Target<'a, T>>) -> T::Handle<'a> {
        ItemHandle { repo: self, target: target.into() }.into()
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

    pub(crate) fn actor(&self) -> Option<&Id> {
        self.actor.as_ref()
    }

    /// The actor as scripts take it: empty for nobody.
    pub(crate) fn actor_arg(&self) -> String {
        self.actor.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether to write audit entries, as scripts take it.
    pub(crate) fn audit_arg(&self) -> &'static str {
        if self.audits() { "1" } else { "0" }
    }

    pub(crate) fn audits(&self) -> bool {
        self.store.settings().audit
    }

    /// How many versions to keep, as scripts take it: empty for any number.
    pub(crate) fn keep_arg() -> String {
        T::SCHEMA.keep.map(|versions| versions.to_string()).unwrap_or_default()
    }

    /// For how long to keep a superseded version, as scripts take it: empty for ever.
    pub(crate) fn keep_for_arg() -> String {
        T::SCHEMA.keep_for.map(|time| millis(time).to_string()).unwrap_or_default()
    }

    /// When an item written at `now` is to expire.
    pub(crate) fn deadline(now: Timestamp) -> Option<Timestamp> {
        T::SCHEMA.ttl.map(|ttl| now.plus(ttl))
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
        writes: WriteSet,
    ) -> Result<Option<Verdict>> {
        let patience = self.store.settings().outcome_timeout;
        let sent = Commit { operation, id: commit_id, writes, patience };
        match self.store.writer().commit(sent).await? {
            Some(reply) => Verdict::from_reply(reply, operation).map(Some),
            None => Ok(None),
        }
    }
}

/// Checks an id where an operation begins.
pub(crate) fn checked_id(id: &(impl ToId + ?Sized), operation: &'static str) -> Result<Id> {
    id.to_id().map_err(|error| Error::from(error).during(operation))
}
