//! The trait that `#[derive(Collection)]` implements.

use serde::Serialize;
use serde::de::DeserializeOwned;
use validator::Validate;

use crate::handle::ItemHandle;
use crate::named::{NamedField, NamedMutation};
use crate::patch::Patch;
use crate::schema::CollectionSchema;
use crate::upgrade::Upgrade;

/// A document type: the whole definition of a collection.
///
/// Derive it; nothing here is meant to be written by hand. A document must also be `Clone`,
/// `Serialize`, `Deserialize` and [`Validate`], because each write checks it, each version is stored
/// as JSON, and a patch is applied to a copy.
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
pub trait Collection:
    Serialize + DeserializeOwned + Validate + Clone + Send + Sync + 'static
{
    /// What is known at compile time.
    const SCHEMA: &'static CollectionSchema;

    /// What brings a stored document from each schema number to the next, beginning with that from 1
    /// to 2.
    const UPGRADES: &'static [&'static dyn Upgrade] = &[];
    /// Writes the document's JSON Schema, if `#[collection(json_schema)]` asks for one.
    const JSON_SCHEMA: Option<fn() -> serde_json::Value> = None;

    /// The mutations, to be called by name.
    const MUTATIONS: &'static [&'static dyn NamedMutation<Self>] = &[];

    /// The indexed fields, to be named in queries.
    const INDEXES: &'static [&'static dyn NamedField<Self>] = &[];

    /// A partial document: the fields to change.
    type Patch: Patch<Self>;

    /// One item by its id, with a method for each mutation and transformation.
    type Handle<'a>: From<ItemHandle<'a, Self>>;

    /// An empty patch, to be filled field by field.
    #[must_use]
    fn patch() -> Self::Patch {
        Self::Patch::default()
    }
}
