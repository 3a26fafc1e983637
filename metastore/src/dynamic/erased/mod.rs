//! A collection without its document type: the operations of a [`Repo`] over JSON. Each calls the
//! typed operation, so that rules and errors are the same.

mod history;
mod items;
mod mutations;
mod queries;
mod response;
mod transformations;

use std::sync::Arc;

use crate::catalog::Descriptor;
use crate::collection::Collection;
use crate::key::{Actor, Address};
use crate::repo::Repo;

/// All operations of a collection over JSON.
pub(super) trait ErasedCollection:
    items::ErasedItems
    + history::ErasedHistory
    + queries::ErasedQueries
    + mutations::ErasedMutations
    + transformations::ErasedTransformations
{
    fn address(&self) -> &Address;
    fn descriptor(&self) -> Descriptor;
    fn for_user(&self, user: &Actor) -> Arc<dyn ErasedCollection>;
}

impl<T: Collection> ErasedCollection for Repo<T> {
    fn address(&self) -> &Address {
        Repo::address(self)
    }

    fn descriptor(&self) -> Descriptor {
        Repo::descriptor(self)
    }

    fn for_user(&self, user: &Actor) -> Arc<dyn ErasedCollection> {
        Arc::new(self.on_behalf_of(user))
    }
}
