//! Encoding of a version: its bytes, where the document is in them, and its index entries.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::document::Document;
use crate::document::content::{prove, reads_as, with_extras, write_own};
use crate::document::header::{self, Header};
use crate::document::unknown::{Extra, UnknownFields};
use crate::error::{Error, ErrorKind};
use crate::index::Entries;
use crate::json::tree::same;
use crate::json::{Limits, without_value};
use crate::key::Actor;
use crate::time::Timestamp;

/// A version that is ready to be written.
pub(crate) struct Encoded {
    /// The header and the document.
    pub(crate) bytes: Bytes,
    /// Where the document is in the bytes.
    document: Range<usize>,
    /// The unknown fields of the document that was encoded.
    pub(crate) unknown: UnknownFields,
    /// The entries of the document in the indexes; `None` if the collection has none.
    pub(crate) entries: Option<Entries>,
}

impl Encoded {
    /// The document, without the header.
    pub(crate) fn document(&self) -> &[u8] {
        self.bytes.get(self.document.clone()).unwrap_or_default()
    }

    /// Keeps the document for the next update of the item, unless it has unknown fields. The memory
    /// is shared with the bytes.
    pub(crate) fn remember_document(&mut self) {
        if matches!(self.unknown, UnknownFields::None) {
            self.unknown = UnknownFields::Written(self.bytes.slice(self.document.clone()));
        }
    }
}

/// The unknown fields of a stored document that its next version preserves.
pub(crate) struct Preserved<'a> {
    pub(crate) extras: &'a [Extra<'a>],
    /// The stored document as its type writes it, which shows where the extras belong.
    pub(crate) own: &'a [u8],
}

impl Preserved<'_> {
    pub(crate) const NOTHING: Self = Self { extras: &[], own: &[] };
}

/// Memory for encoded versions.
pub(crate) enum EncodeMemory {
    /// Each version has its own.
    Single,
    /// The versions of a chunk are written one after the other into one block.
    Chunk {
        block: BytesMut,
        /// How many versions are still to be encoded.
        count: usize,
        /// The version that is being encoded. Only afterwards is its length known.
        current: Vec<u8>,
    },
}

/// The most bytes of a block. A version that is larger has a block of its own.
const MAX_BLOCK: usize = 256 * 1024;

impl EncodeMemory {
    pub(crate) fn for_chunk(count: usize) -> Self {
        Self::Chunk { block: BytesMut::new(), count, current: Vec::new() }
    }

    /// An empty buffer for one version.
    fn begin(&mut self) -> Vec<u8> {
        let mut buffer = match self {
            Self::Single => Vec::new(),
            Self::Chunk { current, .. } => std::mem::take(current),
        };
        buffer.clear();
        buffer.reserve(1024);
        buffer
    }

    /// The encoded version.
    fn finish(&mut self, buffer: Vec<u8>) -> Bytes {
        let Self::Chunk { block, count, current } = self else { return buffer.into() };
        if block.capacity() < buffer.len() {
            // Most versions of a chunk have about the same length.
            let wanted = buffer.len().saturating_add(64).saturating_mul(*count).min(MAX_BLOCK);
            *block = BytesMut::with_capacity(wanted.max(buffer.len()));
        }
        *count = count.saturating_sub(1).max(1);
        block.extend_from_slice(&buffer);
        *current = buffer;
        block.split().freeze()
    }
}

/// Encodes a version, and proves that its document decodes.
pub(crate) fn encode<T: Document>(
    header: &Header,
    data: &T,
    preserved: &Preserved<'_>,
    memory: &mut EncodeMemory,
    limits: Limits,
    operation: &'static str,
) -> Result<Encoded, Error> {
    let mut json = memory.begin();
    header::write(header, &mut json)
        .map_err(|error| Error::new(operation, ErrorKind::Encode(error.to_string())))?;
    let start = json.len();
    write_own(&mut json, data, limits, operation)?;
    if json.get(start) != Some(&b'{') {
        let message = "a document must be a JSON object".to_owned();
        return Err(Error::new(operation, ErrorKind::Encode(message)));
    }
    // The document as a reader decodes it, if that had to be found out.
    let mut decoded = None;
    let mut unknown = UnknownFields::None;
    if !preserved.extras.is_empty()
        && let Some((document, text)) =
            with_preserved(&json[start..], preserved, limits, operation)?
    {
        json.truncate(start);
        json.extend_from_slice(text.as_bytes());
        unknown = UnknownFields::Possible(text.into());
        decoded = Some(document);
    } else if !T::SCHEMA.reads_back {
        decoded = Some(prove::<T>(&json[start..], operation)?);
    }
    let (created, owner) = (header.created, header.owner.as_ref());
    let entries = if T::SCHEMA.reads_otherwise && T::SCHEMA.is_indexed() {
        // What a reader decodes may differ from `data`, and it decides about the indexes.
        let decoded = match decoded {
            Some(decoded) => decoded,
            None => decode_own(&json[start..], operation)?,
        };
        index_entries(&decoded, created, owner, operation)?
    } else {
        index_entries(data, created, owner, operation)?
    };
    let document = start..json.len();
    json.push(b'}');
    Ok(Encoded { bytes: memory.finish(json), document, unknown, entries })
}

/// A version whose document is JSON already.
pub(crate) fn encode_json(header: &Header, document: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(header::HEADER_LEN + document.len());
    // A header always serializes.
    let _ = header::write(header, &mut json);
    json.extend_from_slice(document.as_bytes());
    json.push(b'}');
    json
}

/// The entries of a document in the indexes; `None` if there can be none.
pub(crate) fn index_entries<T: Document>(
    document: &T,
    created: Timestamp,
    owner: Option<&Actor>,
    operation: &'static str,
) -> Result<Option<Entries>, Error> {
    if owner.is_none() && !T::SCHEMA.is_indexed() {
        return Ok(None);
    }
    Entries::of(document, T::INDEXES, created, owner, operation).map(Some)
}

/// Whether two documents differ in more than the order of the members of a map.
pub(crate) fn differs(before: &[u8], after: &[u8]) -> bool {
    if before == after {
        return false;
    }
    // A `HashMap` may be written in another order each time.
    let text = |json| std::str::from_utf8(json).unwrap_or_default();
    !(has_same_bytes(before, after) && same(text(before), text(after)))
}

/// Whether two texts consist of the same bytes in any order, which is true for the same members in
/// another order and hardly ever for two different documents. Parsing both would take ten times as
/// long.
fn has_same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // Most changes are small, so that little is left to be counted.
    let same = a.iter().zip(b).take_while(|(left, right)| left == right).count();
    let (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(left, right)| left == right).count();
    let (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    let mut counts = [0_i64; 256];
    for (&left, &right) in a.iter().zip(b) {
        counts[usize::from(left)] += 1;
        counts[usize::from(right)] -= 1;
    }
    counts.iter().all(|&count| count == 0)
}

/// The document with its preserved fields, and its text; `None` if that would decode as another
/// document.
fn with_preserved<T: Document>(
    own: &[u8],
    preserved: &Preserved<'_>,
    limits: Limits,
    operation: &'static str,
) -> Result<Option<(T, String)>, Error> {
    let json = with_extras(preserved.own, own, preserved.extras);
    if json.len() > limits.bytes {
        let kind = ErrorKind::TooLarge { size: json.len(), limit: limits.bytes };
        return Err(Error::new(operation, kind));
    }
    let Ok(text) = String::from_utf8(json) else { return Ok(None) };
    Ok(reads_as::<T>(&text, own, limits).map(|document| (document, text)))
}

fn decode_own<T: Document>(json: &[u8], operation: &'static str) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| {
        let reason = format!("the document cannot be read back: {}", without_value(&error));
        Error::new(operation, ErrorKind::Encode(reason))
    })
}
