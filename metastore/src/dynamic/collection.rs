//! A collection for the dynamic API.

use std::sync::Arc;

use super::erased::ErasedCollection;
use crate::collection::Collection;
use crate::repo::Repo;

/// A collection that [`Dynamic`](crate::Dynamic) can call by name.
#[doc(hidden)]
pub struct DynamicCollection(pub(super) Arc<dyn ErasedCollection>);

impl DynamicCollection {
    pub(crate) fn new<T: Collection>(repo: &Repo<T>) -> Self {
        Self(Arc::new(repo.clone()))
    }
}
