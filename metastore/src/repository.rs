//! Opening the collections of a struct with `#[derive(Repository)]`.

use crate::catalog::Registration;
use crate::collection::Collection;
use crate::dynamic::DynamicCollection;
use crate::key::Actor;
use crate::repo::Repo;
use crate::schema::CollectionSchema;
use crate::store::Store;

/// A type that can be opened on a store: a field of a struct with `#[derive(Repository)]`.
#[diagnostic::on_unimplemented(
    message = "a field of a repository must be a `Repo<…>`, not `{Self}`",
    label = "not a `Repo<…>`"
)]
pub trait FromStore {
    /// The schema of the collection.
    #[doc(hidden)]
    const SCHEMA: &'static CollectionSchema;

    /// Opens it; no round trip.
    fn from_store(store: &Store) -> Self;

    /// The same on behalf of a user; no round trip.
    #[must_use]
    fn for_user(&self, user: &Actor) -> Self;

    /// The collection for the dynamic API.
    #[doc(hidden)]
    fn erased(&self) -> DynamicCollection;

    /// The catalog entry of the collection.
    #[doc(hidden)]
    fn registration(&self) -> Registration;
}

impl<T: Collection> FromStore for Repo<T> {
    const SCHEMA: &'static CollectionSchema = T::SCHEMA;

    fn from_store(store: &Store) -> Self {
        Self::open(store)
    }

    fn for_user(&self, user: &Actor) -> Self {
        self.on_behalf_of(user)
    }

    fn erased(&self) -> DynamicCollection {
        DynamicCollection::new(self)
    }

    fn registration(&self) -> Registration {
        Registration { store: self.store().clone(), descriptor: self.descriptor() }
    }
}

impl Store {
    /// Opens a collection; no round trip.
    #[must_use]
    pub fn repo<T: Collection>(&self) -> Repo<T> {
        Repo::open(self)
    }
}
