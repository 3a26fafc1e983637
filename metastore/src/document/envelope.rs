//! Decoding of what is stored: a header and a document, as JSON that any tool can read.
//!
//! [`encode`](super::encode) writes it, and [`header`] describes its format.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::document::Document;
pub(crate) use crate::document::header::HEADER_LEN;
use crate::document::header::{self, DATA, Header};
use crate::document::item::Item;
use crate::document::unknown::{UnknownFields, read};
use crate::document::upgrade::upgraded;
use crate::error::{Error, ErrorKind};
use crate::key::{Actor, Id, item_id_in};
use crate::time::Timestamp;

/// [`Header`] and document together. The fields are listed again because serde's `flatten` buffers
/// its input, and a borrowed [`RawValue`] cannot be buffered.
#[derive(Deserialize)]
struct Envelope<'a> {
    version: u64,
    id: Id,
    commit: String,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    expires: Option<Timestamp>,
    schema: u32,
    created: Timestamp,
    #[serde(default)]
    updated: Option<Timestamp>,
    #[serde(default)]
    actor: Option<Actor>,
    #[serde(default)]
    owner: Option<Actor>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Envelope<'_> {
    fn into_header(self) -> Header {
        let Self { version, id, commit, origin, expires, schema, .. } = self;
        let Self { created, updated, actor, owner, .. } = self;
        Header { version, id, commit, origin, expires, schema, created, updated, actor, owner }
    }
}

/// Decodes a stored version.
pub(crate) fn decode<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<Item<T>, Error> {
    let item = match decode_usual(json) {
        Some(item) => item,
        None => decode_any(json, key, operation)?,
    };
    // JSON that is being imported has a key of another kind.
    if item_id_in(key).is_some_and(|id| id != item.id.as_str()) {
        // A change to it would be made to another item.
        let message = format!("the document is one of the item `{}`", item.id);
        let kind = ErrorKind::Decode { version: item.version, path: "id".into(), message };
        return Err(Error::new(operation, kind).at(key));
    }
    Ok(item)
}

/// Decodes a version as [`encode`](super::encode) writes it, with a document of the current schema.
/// Reads each byte once. `None` for any other format.
fn decode_usual<T: Document>(json: &[u8]) -> Option<Item<T>> {
    let end = header::end(json)?;
    let header = header::read(json.get(..end)?).ok()?;
    let document = json.strip_suffix(b"}")?.get(end + DATA.len()..)?;
    if header.schema != T::SCHEMA.version {
        return None;
    }
    let (data, unknown) = read::<T>(std::str::from_utf8(document).ok()?).ok()?;
    Some(Item::new(header, data, unknown))
}

/// Decodes a version with its fields in any order and of any schema, or returns
/// what is wrong with it.
fn decode_any<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<Item<T>, Error> {
    let stored: Envelope<'_> = serde_json::from_slice(json)
        .map_err(|error| undecodable(operation, key, 0, String::from("."), &error))?;
    let (version, schema) = (stored.version, stored.schema);
    let data = upgraded(stored.data.get(), schema, T::SCHEMA.version, T::UPGRADES)
        .map_err(|wrong| Error::new(operation, wrong.into_kind(version)).at(key))?;
    match read::<T>(&data) {
        Ok((data, unknown)) => Ok(Item::new(stored.into_header(), data, unknown)),
        Err(first) => {
            // Finding the path takes time, so it is only done for an error.
            let mut reader = serde_json::Deserializer::from_str(&data);
            let (path, error) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
                Err(error) => (error.path().to_string(), error.into_inner()),
                Ok(_) => (String::from("."), first),
            };
            let path = if path == "." { "data".to_owned() } else { format!("data.{path}") };
            let mut message = strip_position(&error);
            let known = T::SCHEMA.version;
            if schema < known {
                message.push_str(&format!(" (after the upgrade from schema {schema})"));
            }
            let kind = ErrorKind::Decode { version, path, message };
            let error = Error::new(operation, kind).at(key);
            if schema <= known {
                return Err(error);
            }
            let newer = ErrorKind::NewerSchema { version, stored: schema, known };
            Err(Error::new(operation, newer).at(key).caused_by(error))
        }
    }
}

/// Decodes a version that is to be replaced. If its document does not decode as `T`, the item
/// contains the replacement, and keeps the stored text.
pub(crate) fn decode_replaceable<T: Document>(
    json: &[u8],
    key: &str,
    replacement: &T,
    operation: &'static str,
) -> Result<Item<T>, Error> {
    let error = match decode(json, key, operation) {
        Ok(item) => return Ok(item),
        Err(error) => error,
    };
    if !matches!(error.kind(), ErrorKind::Decode { .. } | ErrorKind::Upgrade { .. }) {
        return Err(error);
    }
    let (header, text) = match serde_json::from_slice::<Envelope<'_>>(json) {
        Ok(stored) => {
            let text = stored.data.get().into();
            (stored.into_header(), text)
        }
        Err(_) => match decode_header(json, key, operation) {
            Ok(header) => (header, String::from_utf8_lossy(document_of(json)).into()),
            Err(_) => return Err(error),
        },
    };
    if item_id_in(key) != Some(header.id.as_str()) {
        // It is another item's document.
        return Err(error);
    }
    Ok(Item::new(header, replacement.clone(), UnknownFields::Unreadable(text)))
}

/// The document of a stored version as text, upgraded if it is of an older schema.
pub(crate) fn decode_data<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<String, Error> {
    let stored: Envelope<'_> = serde_json::from_slice(json)
        .map_err(|error| undecodable(operation, key, 0, String::from("."), &error))?;
    upgraded(stored.data.get(), stored.schema, T::SCHEMA.version, T::UPGRADES)
        .map(Cow::into_owned)
        .map_err(|wrong| Error::new(operation, wrong.into_kind(stored.version)).at(key))
}

/// Decodes any stored value, for example the result of a mutation.
pub(crate) fn decode_value<V: DeserializeOwned>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<V, Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        undecodable(operation, key, 0, path, &error.into_inner())
    })
}

/// The error for a text that does not hold a derived value.
pub(crate) fn undecodable_value(
    operation: &'static str,
    key: &str,
    error: &serde_json::Error,
) -> Error {
    undecodable(operation, key, 0, String::new(), error)
}

/// Decodes the header from the first [`HEADER_LEN`] bytes of a version as [`encode`](super::encode)
/// writes it, or from all bytes of one that another tool has written.
pub(crate) fn decode_header(
    start: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<Header, Error> {
    let error = match decode_usual_header(start, key, operation) {
        Ok(header) => return Ok(header),
        Err(error) => error,
    };
    let any: Envelope<'_> = serde_json::from_slice(start).map_err(|_| error)?;
    Ok(any.into_header())
}

fn decode_usual_header(start: &[u8], key: &str, operation: &'static str) -> Result<Header, Error> {
    let wrong = |message: String| {
        let kind = ErrorKind::Decode { version: 0, path: ".".into(), message };
        Error::new(operation, kind).at(key)
    };
    let end = header::end(start).ok_or_else(|| wrong(NOT_A_DOCUMENT.to_owned()))?;
    header::read(&start[..end]).map_err(|error| wrong(strip_position(&error)))
}

/// The error for a key that does not hold a stored version.
pub(crate) fn not_an_envelope() -> ErrorKind {
    ErrorKind::Decode { version: 0, path: ".".into(), message: NOT_A_DOCUMENT.into() }
}

const NOT_A_DOCUMENT: &str = "not a metastore document";

/// The document in an envelope whose header ends within the first bytes; empty if it does not.
fn document_of(json: &[u8]) -> &[u8] {
    let start = header::end(json).map_or(json.len(), |end| end + DATA.len());
    json.get(start..json.len().saturating_sub(1)).unwrap_or_default()
}

fn undecodable(
    operation: &'static str,
    key: &str,
    version: u64,
    path: String,
    error: &serde_json::Error,
) -> Error {
    let message = strip_position(error);
    Error::new(operation, ErrorKind::Decode { version, path, message }).at(key)
}

/// `serde_json` ends its messages with a position, which is relative to the document and would be
/// misleading.
fn strip_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
