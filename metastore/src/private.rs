//! The items that generated code uses. Not part of the public API.

pub use crate::catalog::{Registration, announce, register};
pub use crate::document::mutation::mutation_result;
pub use crate::document::patch_json::{ReadPatch, next_value_as, read_patch};
pub use crate::index::FieldValue;
pub use crate::index::format::FieldFormat;
pub use crate::schema::distinct::distinct;
pub use crate::schema::json_schema::json_schema;
pub use crate::schema::{
    CollectionSchema, IndexKind, ObjectType, TransformationSchema, field, flattened,
};
pub use crate::{
    ByJson, ByRange, ByUnique, ByValue, Collection, Document, Dynamic, DynamicField,
    DynamicMutation, Error, Field, FromStore, IndexValue, Indexable, ItemHandle, ItemMutation,
    ItemTransformation, Mutation, Ordered, Patch, PatchValue, Repo, Store, ToActor, Transformation,
    Upgrade,
};
pub use serde;
pub use serde_json::Value;

/// Who does something, checked.
pub fn user(user: &impl ToActor) -> Result<crate::Actor, Error> {
    crate::repo::checked_actor(user, "as_user")
}
