//! Mutations: pure inline functions of one document, as the derive declares them.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Limits, write_json};

/// A mutation of a collection, as its derive declares it: `Text::WORDCOUNT`.
pub struct Mutation<T, R> {
    name: &'static str,
    function: fn(&T) -> R,
}

impl<T, R> Clone for Mutation<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Mutation<T, R> {}

impl<T, R> Mutation<T, R> {
    /// Called by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, function: fn(&T) -> R) -> Self {
        Self { name, function }
    }

    /// The name, as used in keys.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it on a document.
    #[must_use]
    pub fn apply(&self, document: &T) -> R {
        (self.function)(document)
    }
}

/// The result of a mutation's method: the type that the mutation declares.
#[diagnostic::on_unimplemented(
    message = "the method returns `{Self}`, but the mutation is declared with the result `{R}`",
    label = "this method returns `{Self}`",
    note = "declare the type that the method returns, `#[mutation(name -> {Self})]`, or change the method; for an `async` method declare a `#[transformation]`"
)]
pub trait MutationResult<R> {
    /// The result.
    fn into_result(self) -> R;
}

impl<R> MutationResult<R> for R {
    fn into_result(self) -> R {
        self
    }
}

/// Called by generated code with the result of a method.
pub fn mutation_result<R, V: MutationResult<R>>(value: V) -> R {
    value.into_result()
}

/// A mutation whose result is JSON. Implemented by [`Mutation`]; do not implement it yourself.
#[diagnostic::on_unimplemented(
    message = "the result of a mutation must be `Serialize`",
    label = "this mutation's result cannot be written as JSON",
    note = "add `#[derive(Serialize)]` to the result's type: it is what `materialize` stores"
)]
pub trait DynamicMutation<T>: Sync {
    /// The name, as used in keys.
    fn name(&self) -> &'static str;

    /// Runs it on a document and writes the result as JSON, within limits of bytes and levels.
    #[doc(hidden)]
    fn write(
        &self,
        document: &T,
        bytes: usize,
        depth: usize,
        operation: &'static str,
    ) -> Result<Box<RawValue>>;
}

impl<T, R: Serialize> DynamicMutation<T> for Mutation<T, R> {
    fn name(&self) -> &'static str {
        Mutation::name(self)
    }

    fn write(
        &self,
        document: &T,
        bytes: usize,
        depth: usize,
        operation: &'static str,
    ) -> Result<Box<RawValue>> {
        let mut json = Vec::with_capacity(64);
        write_json(&mut json, &self.apply(document), Limits { bytes, depth }, operation)?;
        serde_json::from_slice(&json)
            .map_err(|error| Error::new(operation, ErrorKind::Encode(error.to_string())))
    }
}
