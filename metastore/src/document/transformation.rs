//! `Transformation`: the declaration of a long-running computation on one document.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::TransformationSchema;

/// The result of a transformation: any type that is `Serialize` and `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "the result of a transformation must be `Serialize` and `Deserialize`",
    label = "a `{Self}` cannot be stored and read back",
    note = "add `#[derive(Serialize, Deserialize)]` to it: the worker stores it, and `result` reads it"
)]
pub trait StoredResult {}

#[diagnostic::do_not_recommend]
impl<R: Serialize + DeserializeOwned> StoredResult for R {}

/// A transformation of a collection, declared by `#[transformation(…)]`; the derive generates a
/// constant for each, for example `Text::SUMMARIZE`.
pub struct Transformation<T, R> {
    schema: TransformationSchema,
    types: PhantomData<fn(&T) -> R>,
}

impl<T, R> Clone for Transformation<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Transformation<T, R> {}

impl<T, R> Transformation<T, R> {
    /// Called by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(schema: TransformationSchema) -> Self
    where
        R: StoredResult,
    {
        Self { schema, types: PhantomData }
    }

    /// The name, as used in keys.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.schema.name
    }

    /// The name and the settings.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }
}
