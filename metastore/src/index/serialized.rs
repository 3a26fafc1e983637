//! The values in an index of what serde serializes, taken from the JSON.

use serde::Serialize;
use serde_json::value::RawValue;

use super::field_value::FieldValue;
use super::value::IndexValue;

impl IndexValue {
    /// What serde serializes for a value: a string, a number, a `bool` or null. Equal values must
    /// serialize equally.
    #[must_use]
    pub fn serialized<V: Serialize + ?Sized>(value: &V) -> Self {
        match field_value(value) {
            Ok(FieldValue::One(value)) => value,
            Ok(FieldValue::Each(_)) => Self::refused("a list is not a single value"),
            Err(reason) => Self::refused(reason),
        }
    }
}

/// The value of a field as it is serialized; integers of 128 bits are exact.
pub(crate) fn field_value<V: Serialize + ?Sized>(value: &V) -> Result<FieldValue, String> {
    let json = serde_json::to_string(value).map_err(|error| error.to_string())?;
    if !json.starts_with('[') {
        return single(&json).map(FieldValue::One);
    }
    let elements: Vec<&RawValue> =
        serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let elements = elements.into_iter().map(|element| single(element.get()));
    elements.collect::<Result<_, _>>().map(FieldValue::Each)
}

fn single(json: &str) -> Result<IndexValue, String> {
    Ok(match json.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(|error| error.to_string())?;
            IndexValue::text(&text)
        }
        Some(b't' | b'f') => IndexValue::boolean(json == "true"),
        Some(b'n') => IndexValue::null(),
        Some(b'{') => return Err("an object cannot be indexed".to_owned()),
        Some(b'[') => return Err("the elements of a list must be single values".to_owned()),
        _ => number(json)?,
    })
}

fn number(json: &str) -> Result<IndexValue, String> {
    if let Ok(whole) = json.parse() {
        return Ok(IndexValue::integer(whole));
    }
    if let Ok(whole) = json.parse() {
        return Ok(IndexValue::unsigned(whole));
    }
    json.parse().map(IndexValue::float).map_err(|_| "the number is too large".to_owned())
}
