//! What generated code names, and nothing else; not for use by hand.

pub use crate::catalog::{Registration, announce, register};
pub use crate::format::FieldFormat;
pub use crate::index::FieldValue;
pub use crate::json_schema::json_schema;
pub use crate::schema::{
    CollectionSchema, IndexKind, ObjectType, TransformationSchema, field, flattened,
};
pub use crate::{
    Actions, ByRange, ByUnique, ByValue, ByWritten, Collection, Error, Field, FromStore,
    IndexValue, Indexable, ItemHandle, ItemMutation, ItemTransformation, Mutation, NamedField,
    NamedMutation, Ordered, Patch, PatchValue, Repo, Store, ToId, Transformation, Upgrade,
};
pub use serde;
pub use serde_json::Value;

/// The id of a user, checked.
pub fn user(user: &impl ToId) -> Result<crate::Id, Error> {
    crate::repo::checked_id(user, "as_user")
}
