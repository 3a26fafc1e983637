//! Looking up mutations, transformations and indexes by name.

use crate::collection::Collection;
use crate::document::mutation::DynamicMutation;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::index::DynamicField;
use crate::json::text::Json;

pub(super) fn mutation<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<&'static dyn DynamicMutation<T>> {
    let found = T::MUTATIONS.iter().find(|mutation| mutation.name() == name);
    found.copied().ok_or_else(|| {
        let known = T::MUTATIONS.iter().map(|mutation| mutation.name());
        Error::unknown_name(operation, "mutation", name, known)
    })
}

pub(super) fn transformation<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<Transformation<T, Json>> {
    let all = T::SCHEMA.transformations;
    let found = all.iter().find(|found| found.name == name).ok_or_else(|| {
        let known = all.iter().map(|found| found.name);
        Error::unknown_name(operation, "transformation", name, known)
    })?;
    Ok(Transformation::new(*found))
}

/// The index of a field, or the error that says why there is none.
pub(super) fn index_of<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<&'static dyn DynamicField<T>> {
    if let Some(field) = T::INDEXES.iter().find(|field| field.name() == name) {
        return Ok(*field);
    }
    if !T::SCHEMA.fields.iter().any(|field| field.json_name == Some(name)) {
        let known = T::SCHEMA.fields.iter().filter_map(|field| field.json_name);
        return Err(Error::unknown_name(operation, "field", name, known));
    }
    let indexed: Vec<_> = T::INDEXES.iter().map(|field| field.name()).collect();
    let has = if indexed.is_empty() { "no field has one".into() } else { indexed.join(", ") };
    let message = format!("`{name}` has no index to find items by; those that have: {has}");
    Err(Error::new(operation, ErrorKind::InvalidArgument(message)))
}
