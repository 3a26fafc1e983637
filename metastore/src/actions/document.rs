//! Documents and patches from JSON that somebody else wrote.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collection::Collection;
use crate::content;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Limits, describe, write_json};
use crate::unknown;

/// What a write by name changes.
pub(super) enum Change {
    /// The fields that are given.
    Patch(Value),
    /// Everything.
    Replace(Value),
}

/// Reads a whole document. A field that the struct does not know is refused: it could only be a mistake,
/// or get lost.
pub(super) fn document<T: Collection>(
    json: &Value,
    limits: Limits,
    operation: &'static str,
) -> Result<T> {
    object(json, operation)?;
    let mut text = Vec::with_capacity(256);
    write_json(&mut text, json, limits, operation)?;
    read(&text, limits, operation)
}

/// Checks what can be checked of a patch before the document is there.
pub(super) fn check_patch<T: Collection>(patch: &Value, operation: &'static str) -> Result<()> {
    let fields = object(patch, operation)?;
    // What stands in a flattened field, only the field itself knows.
    if T::SCHEMA.fields.iter().any(|field| field.json_name.is_none()) {
        return Ok(());
    }
    match fields.keys().find(|name| !is_own::<T>(name)) {
        Some(name) => Err(unknown_field::<T>(name, operation)),
        None => Ok(()),
    }
}

/// A document with the fields of a patch set; `null` is what an optional field is cleared by.
pub(super) fn patched<T: Collection>(
    document: &T,
    patch: &Value,
    limits: Limits,
    operation: &'static str,
) -> Result<T> {
    let patch = object(patch, operation)?;
    let mut text = Vec::with_capacity(256);
    write_json(&mut text, document, limits, operation)?;
    // As text, so that what the patch leaves alone stays to the letter.
    let unreadable =
        |error: serde_json::Error| Error::new(operation, ErrorKind::Encode(error.to_string()));
    let mut fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(&text).map_err(unreadable)?;
    for (name, value) in patch {
        let value = serde_json::value::to_raw_value(value).map_err(unreadable)?;
        fields.insert(name.clone(), value);
    }
    let text = serde_json::to_vec(&fields).map_err(unreadable)?;
    read(&text, limits, operation)
}

fn read<T: Collection>(json: &[u8], limits: Limits, operation: &'static str) -> Result<T> {
    let text = std::str::from_utf8(json).unwrap_or_default();
    let (document, unknown) = match unknown::read::<T>(text) {
        Ok(read) => read,
        Err(error) => {
            let (path, message) = describe::<T>(json, &error);
            return Err(misfit(path, message, operation));
        }
    };
    if let Some(text) = unknown.possible() {
        let own = content::own(&document, limits, operation)?;
        if let Some(extra) = content::unknown_in::<T>(text, &own, limits, operation).first() {
            return Err(unknown_field::<T>(&extra.shown(), operation));
        }
    }
    Ok(document)
}

fn object<'v>(json: &'v Value, operation: &'static str) -> Result<&'v Map<String, Value>> {
    json.as_object().ok_or_else(|| misfit(String::new(), "expected an object".into(), operation))
}

fn misfit(path: String, message: String, operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InvalidJson { path, message })
}

fn is_own<T: Collection>(name: &str) -> bool {
    T::SCHEMA.fields.iter().any(|field| field.json_name == Some(name))
}

fn unknown_field<T: Collection>(name: &str, operation: &'static str) -> Error {
    let known = T::SCHEMA.fields.iter().filter_map(|field| field.json_name);
    Error::unknown_name(operation, "field", name, known)
}
