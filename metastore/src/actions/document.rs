//! Documents and patches from JSON that somebody else wrote.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Limits, without_value, write_json};
use crate::unknown::{UnknownFields, read_keeping};

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
    read(&text, operation)
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
    let changed = read(&text, operation)?;
    taken_over(&changed, patch, operation)?;
    Ok(changed)
}

/// Refuses a field that went nowhere, which can happen only where there is a flattened one.
fn taken_over<T: Collection>(
    document: &T,
    patch: &Map<String, Value>,
    operation: &'static str,
) -> Result<()> {
    let mut others = patch.iter().filter(|(name, value)| !is_own::<T>(name) && !value.is_null());
    let Some(first) = others.next() else { return Ok(()) };
    let json = crate::named::to_json(document, operation)?;
    match std::iter::once(first).chain(others).find(|(name, _)| json.get(name).is_none()) {
        Some((name, _)) => Err(unknown_field::<T>(name, operation)),
        None => Ok(()),
    }
}

fn read<T: Collection>(json: &[u8], operation: &'static str) -> Result<T> {
    let text = std::str::from_utf8(json).unwrap_or_default();
    let read = if T::SCHEMA.denies_unknown_fields {
        serde_json::from_str(text).map(|document| (document, UnknownFields::default()))
    } else {
        read_keeping::<T>(text)
    };
    match read {
        Ok((document, unknown)) => match unknown.first() {
            Some(name) => Err(unknown_field::<T>(name, operation)),
            None => Ok(document),
        },
        Err(first) => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let (path, error) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
                Err(error) => (error.path().to_string(), error.into_inner()),
                Ok(_) => (String::new(), first),
            };
            let path = if path == "." { String::new() } else { path };
            Err(misfit(path, without_value(&error), operation))
        }
    }
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
