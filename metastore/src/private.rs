//! What generated code names, and nothing else; not for use by hand.

pub use crate::schema::{
    CollectionSchema, IndexKind, ObjectType, TransformationSchema, field, flattened,
};
pub use crate::{
    Collection, Error, FromStore, ItemHandle, ItemMutation, ItemTransformation, Mutation, Patch,
    PatchValue, Repo, Store, Transformation, Upgrade,
};
