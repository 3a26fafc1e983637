//! The header of a stored document: everything before the document itself.
//!
//! ```text
//! {"version":2,"id":"…","commit":"…","origin":"…","expires":…,"schema":1,"created":…,
//! "updated":…,"actor":"…","owner":"…","data":{…}}
//! ```
//!
//! The scripts read and change some of it as text, so the order of the fields is fixed, and a test
//! checks it.
//!
//! - `version` comes first, so that a script can compare it without parsing the document.
//! - `origin` is the commit id of version 1, and is left out there. It distinguishes an item from
//!   an earlier one with the same id. The time of creation does not, since two items may be created
//!   within a millisecond.
//! - `expires` is present if the item has a time to live, and is overwritten when that is renewed
//!   without a new version.
//! - `updated` is omitted if it equals `created`, and `actor` and `owner` if they are not set.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use crate::key::{Actor, Id};
use crate::time::Timestamp;

/// The most bytes of a header: an id of 128 bytes, two actors of 512, commit ids and numbers with
/// their names.
pub(crate) const HEADER_LEN: usize = 1472;

/// The bytes between the header and the document.
pub(super) const DATA: &[u8] = b",\"data\":";

/// The metadata of one version, stored before its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) version: u64,
    pub(crate) id: Id,
    pub(crate) commit: String,
    /// The commit id of version 1; omitted in version 1, where it equals `commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    /// When the item expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
    pub(crate) schema: u32,
    pub(crate) created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<Actor>,
}

impl Header {
    /// The commit id of version 1, which differs for each item that ever had this id.
    pub(crate) fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.commit)
    }

    /// When this version was written.
    pub(crate) fn written(&self) -> Timestamp {
        self.updated.unwrap_or(self.created)
    }
}

/// The first bytes of a stored version: the header as far as the commit id.
pub(crate) fn beginning(version: u64, id: &Id, commit: &str) -> String {
    let version = version.to_string();
    [r#"{"version":"#, &version, r#","id":""#, id.as_str(), r#"","commit":""#, commit, r#"","#]
        .concat()
}

/// The commit id in the first version of an item with this id.
pub(crate) fn first_commit<'a>(json: &'a [u8], id: &Id) -> &'a [u8] {
    let start = r#"{"version":1,"id":"","commit":""#.len() + id.as_str().len();
    let rest = json.get(start..).unwrap_or_default();
    &rest[..memchr::memchr(b'"', rest).unwrap_or_default()]
}

/// Writes a header, and all that comes before the document.
pub(super) fn write(header: &Header, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *out, header)?;
    // The closing brace comes after the document.
    out.pop();
    out.extend_from_slice(DATA);
    Ok(())
}

/// Where the header ends. Neither an id nor a commit id can contain a quotation mark, so the first
/// match is the right one.
pub(super) fn end(json: &[u8]) -> Option<usize> {
    static DATA_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(DATA));
    DATA_FINDER.find(&json[..json.len().min(HEADER_LEN)])
}

/// Reads a header, which [`end`] has cut off.
pub(super) fn read(header: &[u8]) -> Result<Header, serde_json::Error> {
    let mut json = [0; HEADER_LEN + 1];
    let end = header.len().min(HEADER_LEN);
    json[..end].copy_from_slice(&header[..end]);
    json[end] = b'}';
    serde_json::from_slice(&json[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(actor: Option<Actor>) -> Header {
        Header {
            version: 12,
            id: Id::new("a.1").unwrap(),
            commit: "01J".to_owned(),
            origin: actor.is_some().then(|| "01A".to_owned()),
            expires: actor.is_some().then(|| Timestamp::from_millis(1_767_225_600_000)),
            schema: 3,
            created: Timestamp::from_millis(1_767_225_600_001),
            updated: actor.is_some().then(|| Timestamp::from_millis(1_767_225_600_002)),
            owner: actor.clone(),
            actor,
        }
    }

    fn written(header: &Header) -> String {
        let mut out = Vec::new();
        write(header, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_format_that_scripts_and_other_programs_read_does_not_change() {
        let all = written(&header(Some(Actor::new("u\"1").unwrap())));
        let expected = concat!(
            r#"{"version":12,"id":"a.1","commit":"01J","origin":"01A","expires":1767225600000,"#,
            r#""schema":3,"created":1767225600001,"updated":1767225600002,"actor":"u\"1","owner":"u\"1","data":"#,
        );
        assert_eq!(all, expected);
        let least = written(&header(None));
        let expected = concat!(
            r#"{"version":12,"id":"a.1","commit":"01J","schema":3,"#,
            r#""created":1767225600001,"data":"#,
        );
        assert_eq!(least, expected);
        let id = Id::new("a.1").unwrap();
        assert!(least.starts_with(&beginning(12, &id, "01J")));
        let first = written(&Header { version: 1, ..header(None) });
        assert_eq!(first_commit(first.as_bytes(), &id), b"01J");
        assert_eq!(first_commit(b"{}", &id), b"");
    }

    #[test]
    fn a_header_reads_back_and_the_longest_one_fits() {
        let header = Header {
            version: u64::MAX,
            id: Id::new(&"i".repeat(128)).unwrap(),
            commit: "0".repeat(26),
            origin: Some("0".repeat(26)),
            schema: u32::MAX,
            ..header(Some(Actor::new(&"a".repeat(512)).unwrap()))
        };
        let written = written(&header);
        let end = end(written.as_bytes()).expect("the header fits");
        assert_eq!(read(&written.as_bytes()[..end]).unwrap(), header);
    }
}
