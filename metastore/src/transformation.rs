//! Transformations: heavy work on one document, as the derive declares it.

use std::marker::PhantomData;

use crate::schema::TransformationSchema;

/// A transformation of a collection, as its derive declares it: `Text::SUMMARIZE`.
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
    /// What the derive writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(schema: TransformationSchema) -> Self {
        Self { schema, types: PhantomData }
    }

    /// The name, as it stands in keys.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.schema.name
    }

    /// The name, the timeout and the retries.
    #[must_use]
    pub fn schema(&self) -> TransformationSchema {
        self.schema
    }
}
