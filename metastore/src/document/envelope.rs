//! What is stored: the document in a small envelope, as JSON that any tool can read.
//!
//! ```json
//! {"version":2,"id":"…","commit":"…","origin":"…","expires":…,"schema":1,"created":…,"updated":…,"actor":"…","owner":"…","data":{…}}
//! ```
//!
//! The version comes first, so that a script can compare it without reading the document. `origin` is the
//! commit id of version 1: it tells an item from an earlier one with the same id, which the time of creation
//! does not, since two may be created within a millisecond. It is left out of version 1. `expires`
//! is there for items with a time to live, and is written over when that is renewed without a version. `updated` is
//! left out where it equals `created`, and `actor` and `owner` where nobody was named.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::document::Document;
use crate::document::content::{prove, reads_as, with_extras, write_own};
use crate::document::header::Head;
use crate::document::item::Item;
use crate::document::unknown::{Extra, UnknownFields, read};
use crate::document::upgrade::upgraded;
use crate::error::{Error, ErrorKind};
use crate::json::Limits;
use crate::json::tree::same;
use crate::key::{Actor, Id};
use crate::time::Timestamp;

/// The bytes that surely hold everything before `"data"`: an id of 128 bytes, two actors of 512, commit ids and
/// numbers with their labels.
pub(crate) const HEAD_LEN: usize = 1472;

/// [`Head`] and document together. The fields are listed again because serde's `flatten` copies what
/// it reads, and a borrowed [`RawValue`] must not be copied.
#[derive(Deserialize)]
struct Stored<'a> {
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

impl Stored<'_> {
    fn into_head(self) -> Head {
        let Self { version, id, commit, origin, expires, schema, .. } = self;
        let Self { created, updated, actor, owner, .. } = self;
        Head { version, id, commit, origin, expires, schema, created, updated, actor, owner }
    }
}

/// What a document that is to be written keeps of the stored one.
pub(crate) struct Kept<'a> {
    /// What its type did not know of the stored text.
    pub(crate) extras: &'a [Extra<'a>],
    /// What its type wrote of the stored text.
    pub(crate) before: &'a [u8],
}

impl Kept<'_> {
    /// Nothing.
    pub(crate) const NOTHING: Self = Self { extras: &[], before: &[] };
}

/// Writes an envelope with its document, and proves that it reads back.
pub(crate) fn encode<T: Document>(
    head: &Head,
    data: &T,
    kept: &Kept<'_>,
    limits: Limits,
    operation: &'static str,
) -> Result<(Bytes, UnknownFields), Error> {
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, head)
        .map_err(|error| Error::new(operation, ErrorKind::Encode(error.to_string())))?;
    json.pop();
    json.extend_from_slice(DATA);
    let start = json.len();
    write_own(&mut json, data, limits, operation)?;
    if json.get(start) != Some(&b'{') {
        let message = "a document must be a JSON object".to_owned();
        return Err(Error::new(operation, ErrorKind::Encode(message)));
    }
    let unknown = keep::<T>(&mut json, start, kept, limits, operation)?;
    if matches!(unknown, UnknownFields::None) && !T::SCHEMA.reads_back {
        prove::<T>(&json[start..], operation)?;
    }
    json.push(b'}');
    Ok((json.into(), unknown))
}

/// An envelope around a document that is JSON already.
pub(crate) fn around(head: &Head, document: &str) -> Vec<u8> {
    // A head always serialises.
    let mut json = serde_json::to_vec(head).unwrap_or_default();
    json.pop();
    json.extend_from_slice(DATA);
    json.extend_from_slice(document.as_bytes());
    json.push(b'}');
    json
}

/// Adds what is kept to the document that begins at `start`, unless it would not be the same document then.
fn keep<T: Document>(
    json: &mut Vec<u8>,
    start: usize,
    kept: &Kept<'_>,
    limits: Limits,
    operation: &'static str,
) -> Result<UnknownFields, Error> {
    if kept.extras.is_empty() {
        return Ok(UnknownFields::None);
    }
    let own = &json[start..];
    let document = with_extras(kept.before, own, kept.extras);
    if document.len() > limits.bytes {
        let kind = ErrorKind::TooLarge { size: document.len(), limit: limits.bytes };
        return Err(Error::new(operation, kind));
    }
    match std::str::from_utf8(&document) {
        Ok(text) if reads_as::<T>(&document, own, limits) => {
            let unknown = UnknownFields::Possible(text.into());
            json.truncate(start);
            json.extend_from_slice(&document);
            Ok(unknown)
        }
        _ => Ok(UnknownFields::None),
    }
}

/// What the envelope of a version begins with, byte by byte.
pub(crate) fn beginning(version: u64, id: &Id, commit: &str) -> String {
    format!(r#"{{"version":{version},"id":"{id}","commit":"{commit}","#)
}

/// Reads an envelope and its document.
pub(crate) fn decode<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<Item<T>, Error> {
    let item = match decode_usual(json) {
        Some(item) => item,
        None => decode_any(json, key, operation)?,
    };
    // A key of an item names it; JSON that is only being imported has a key of its own.
    let mut segments = key.split(':').skip(3);
    if let (Some(id), Some("latest" | "version")) = (segments.next(), segments.next())
        && id != item.id.as_str()
    {
        // What is done to it would be done to another item.
        let message = format!("the document is one of the item `{}`", item.id);
        let kind = ErrorKind::Decode { version: item.version, path: "id".into(), message };
        return Err(Error::new(operation, kind).at(key));
    }
    Ok(item)
}

/// Reads an envelope as [`encode`] writes it with a document of the current schema: each byte once.
/// `None` for whatever is not as usual.
fn decode_usual<T: Document>(json: &[u8]) -> Option<Item<T>> {
    let end = head_end(json)?;
    let head = read_head(json.get(..end)?).ok()?;
    let document = json.strip_suffix(b"}")?.get(end + DATA.len()..)?;
    if head.schema != T::SCHEMA.version {
        return None;
    }
    let (data, unknown) = read::<T>(std::str::from_utf8(document).ok()?).ok()?;
    Some(Item::new(head, data, unknown))
}

/// Reads an envelope whose parts may be in any order and of any schema, or says what is wrong with it.
fn decode_any<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<Item<T>, Error> {
    let stored: Stored<'_> = serde_json::from_slice(json)
        .map_err(|error| undecodable(operation, key, 0, String::from("."), &error))?;
    let (version, schema) = (stored.version, stored.schema);
    let data = upgraded::<T>(stored.data.get(), schema)
        .map_err(|wrong| Error::new(operation, wrong.into_kind(version)).at(key))?;
    match read::<T>(&data) {
        Ok((data, unknown)) => Ok(Item::new(stored.into_head(), data, unknown)),
        Err(first) => {
            // The path costs time, so it is worked out only once something is wrong.
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

/// Reads an envelope whose document is to be replaced: where it does not read as `T`, the item holds what takes
/// its place, and remembers the text.
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
    let (head, text) = match serde_json::from_slice::<Stored<'_>>(json) {
        Ok(stored) => {
            let text = stored.data.get().into();
            (stored.into_head(), text)
        }
        Err(_) => match decode_head(json, key, operation) {
            Ok(head) => (head, String::from_utf8_lossy(document_of(json)).into()),
            Err(_) => return Err(error),
        },
    };
    if !key.split(':').any(|segment| segment == head.id.as_str()) {
        // It is another item's document.
        return Err(error);
    }
    Ok(Item::new(head, replacement.clone(), UnknownFields::Unreadable(text)))
}

/// The document of an envelope as it is stored, in the current schema where it is of an older one.
pub(crate) fn decode_data<T: Document>(
    json: &[u8],
    key: &str,
    operation: &'static str,
) -> Result<String, Error> {
    let stored: Stored<'_> = serde_json::from_slice(json)
        .map_err(|error| undecodable(operation, key, 0, String::from("."), &error))?;
    upgraded::<T>(stored.data.get(), stored.schema)
        .map(Cow::into_owned)
        .map_err(|wrong| Error::new(operation, wrong.into_kind(stored.version)).at(key))
}

/// Reads any stored value, such as the result of a mutation.
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

/// Reads what stands before the document, from the first [`HEAD_LEN`] bytes of a stored version as [`encode`]
/// writes it, or from all bytes of one that another tool has written.
pub(crate) fn decode_head(start: &[u8], key: &str, operation: &'static str) -> Result<Head, Error> {
    let error = match decode_usual_head(start, key, operation) {
        Ok(head) => return Ok(head),
        Err(error) => error,
    };
    let any: Stored<'_> = serde_json::from_slice(start).map_err(|_| error)?;
    Ok(any.into_head())
}

fn decode_usual_head(start: &[u8], key: &str, operation: &'static str) -> Result<Head, Error> {
    let wrong = |message: String| {
        let kind = ErrorKind::Decode { version: 0, path: ".".into(), message };
        Error::new(operation, kind).at(key)
    };
    let end = head_end(start).ok_or_else(|| wrong(NO_ENVELOPE.to_owned()))?;
    read_head(&start[..end]).map_err(|error| wrong(strip_position(&error)))
}

/// Reads the part of an envelope that [`head_end`] cuts off.
fn read_head(start: &[u8]) -> Result<Head, serde_json::Error> {
    let mut head = [0; HEAD_LEN + 1];
    let end = start.len().min(HEAD_LEN);
    head[..end].copy_from_slice(&start[..end]);
    head[end] = b'}';
    serde_json::from_slice(&head[..=end])
}

/// The error for a key that holds something else than an envelope.
pub(crate) fn not_an_envelope() -> ErrorKind {
    ErrorKind::Decode { version: 0, path: ".".into(), message: NO_ENVELOPE.into() }
}

const NO_ENVELOPE: &str = "no envelope of metastore";

/// Whether an encoded envelope holds another document than this text.
pub(crate) fn differs(before: &[u8], json: &[u8]) -> bool {
    let new = document_of(json);
    if before == new {
        return false;
    }
    // Maps without an order of their own may be written differently each time.
    let text = |json| std::str::from_utf8(json).unwrap_or_default();
    !(has_same_bytes(before, new) && same(text(before), text(new)))
}

/// Whether two texts are made of the same bytes in any order: what the same entries in another order are,
/// and two documents hardly ever. Reading both would take ten times as long.
fn has_same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut counts = [0_i64; 256];
    for (&left, &right) in a.iter().zip(b) {
        counts[usize::from(left)] += 1;
        counts[usize::from(right)] -= 1;
    }
    counts.iter().all(|&count| count == 0)
}

/// The document in an envelope that this module has written.
pub(crate) fn document_of(json: &[u8]) -> &[u8] {
    let start = head_end(json).map_or(json.len(), |head| head + DATA.len());
    json.get(start..json.len().saturating_sub(1)).unwrap_or_default()
}

/// What stands between the head and the document.
const DATA: &[u8] = b",\"data\":";

/// Where the head ends. Neither an id nor a commit can contain a quotation mark, so the first match
/// is the right one.
fn head_end(json: &[u8]) -> Option<usize> {
    static DATA_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(DATA));
    DATA_FINDER.find(&json[..json.len().min(HEAD_LEN)])
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

/// `serde_json` ends its messages with a position, which counts within the document alone and would
/// only mislead.
fn strip_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
