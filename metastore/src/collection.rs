//! The trait that `#[derive(Collection)]` implements.

use crate::document::Document;
use crate::document::item::ToTarget;
use crate::document::mutation::DynamicMutation;
use crate::repo::Repo;
use crate::repo::handle::ItemHandle;

/// A document type: the whole definition of a collection.
///
/// Derive it together with `Clone`, `Serialize`, `Deserialize` and `Validate`; the derive
/// implements [`Document`], too.
///
/// ```
/// use metastore::Collection;
/// use serde::{Deserialize, Serialize};
/// use validator::Validate;
///
/// #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// #[collection(domain = "myapp", app = "notes", name = "notes", object_type = texts)]
/// #[mutation(length -> usize)]
/// struct Note {
///     #[validate(length(min = 1))]
///     title: String,
/// }
///
/// impl Note {
///     fn length(&self) -> usize {
///         self.title.len()
///     }
/// }
///
/// assert_eq!(Note::SCHEMA.name, "notes");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a collection",
    label = "add `#[derive(Collection)]` and `#[collection(domain = …, app = …, name = …, object_type = …)]`"
)]
pub trait Collection: Document {
    /// The mutations, for the dynamic API.
    const MUTATIONS: &'static [&'static dyn DynamicMutation<Self>] = &[];

    /// One item by its id, with a method for each mutation and transformation.
    type Handle<'a>: From<ItemHandle<'a, Self>>;

    /// An empty patch, to be filled field by field.
    #[must_use]
    fn patch() -> Self::Patch {
        Self::Patch::default()
    }
}

impl<T: Collection> Repo<T> {
    /// One item: where its mutations and transformations are called. No round trip.
    ///
    /// With an [`Item`](crate::Item) instead of an id, its mutations use that document without
    /// reading it again.
    #[must_use]
    pub fn item<'a>(&'a self, target: impl ToTarget<'a, T>) -> T::Handle<'a> {
        ItemHandle { repo: self, target: target.to_target() }.into()
    }
}
