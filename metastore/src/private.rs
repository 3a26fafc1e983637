//! What generated code names, and nothing else; not for use by hand.

pub use crate::catalog::{Registration, announce, register};
pub use crate::distinct::distinct;
pub use crate::format::FieldFormat;
pub use crate::index::FieldValue;
pub use crate::json_schema::json_schema;
pub use crate::mutation::mutation_result;
pub use crate::patch_json::{ReadPatch, next_value_as, read_patch};
pub use crate::schema::{
    CollectionSchema, IndexKind, ObjectType, TransformationSchema, field, flattened,
};
pub use crate::{
    Actions, ByRange, ByUnique, ByValue, ByWritten, Collection, Error, Field, FromStore,
    IndexValue, Indexable, ItemHandle, ItemMutation, ItemTransformation, Mutation, NamedField,
    NamedMutation, Ordered, Patch, PatchValue, Repo, Store, ToActor, Transformation, Upgrade,
};
pub use serde;
pub use serde_json::Value;

/// Who does something, checked.
pub fn user(user: &impl ToActor) -> Result<crate::Actor, Error> {
    crate::repo::checked_actor(user, "as_user")
}
