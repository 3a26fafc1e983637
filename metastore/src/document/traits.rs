//! The trait of documents, which `#[derive(Collection)]` implements.

use serde::Serialize;
use serde::de::DeserializeOwned;
use validator::Validate;

use super::patch::Patch;
use super::upgrade::Upgrade;
use crate::index::DynamicField;
use crate::schema::CollectionSchema;

/// A document type: its schema, its upgrades, its indexes and its patch.
///
/// `#[derive(Collection)]` implements it, together with [`Collection`](crate::Collection), which
/// adds what is called on one item. A document must also be `Clone`, `Serialize`, `Deserialize` and
/// [`Validate`], because each write validates it, each version is stored as JSON, and a patch is
/// applied to a copy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a collection",
    label = "add `#[derive(Collection)]` and `#[collection(domain = …, app = …, name = …, object_type = …)]`"
)]
pub trait Document:
    Serialize + DeserializeOwned + Validate + Clone + Send + Sync + 'static
{
    /// What is known at compile time.
    const SCHEMA: &'static CollectionSchema;

    /// The upgrades of a stored document from each schema number to the next, beginning with that
    /// from 1 to 2.
    const UPGRADES: &'static [&'static dyn Upgrade] = &[];

    /// Writes the document's JSON Schema, if `#[collection(json_schema)]` asks for one.
    const JSON_SCHEMA: Option<fn() -> serde_json::Value> = None;

    /// The indexed fields.
    const INDEXES: &'static [&'static dyn DynamicField<Self>] = &[];

    /// A partial document: the fields to change.
    type Patch: Patch<Self>;
}
