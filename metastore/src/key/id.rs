//! Ids of items and of users.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::{ULID_LEN, Ulid};

/// The longest id, in bytes.
const MAX_LEN: usize = 128;

/// The id of an item: 1 to 128 ASCII letters, digits or `-` `_` `.` `@` `+` `~`.
///
/// Generated ids are [ULIDs](https://github.com/ulid/spec), which sort by time. An id that reads as
/// a ULID must be in its one canonical spelling (upper case, no overflow), so that no two ids name
/// the same ULID. Cloning is cheap.
///
/// ```
/// use metastore::Id;
///
/// assert!(Id::new("ada@example.com").is_ok());
/// let refused = Id::new("a:b").unwrap_err();
/// assert!(refused.to_string().contains("ASCII letters, digits"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Arc<str>);

impl Id {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] with the rule that the id breaks.
    pub fn new(id: &str) -> Result<Self, InvalidId> {
        match broken_rule(id) {
            Some(rule) => Err(InvalidId { shown: shorten(id), rule }),
            None => Ok(Self(id.into())),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(id: &str) -> Option<String> {
    if id.is_empty() {
        return Some("it must not be empty".to_owned());
    }
    if id.len() > MAX_LEN {
        return Some(format!("it has {} bytes, the limit is {MAX_LEN}", id.len()));
    }
    let is_allowed = |b: u8| matches!(b, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'@' | b'+' | b'~');
    if !id.bytes().all(is_allowed) {
        return Some(
            "it may hold only ASCII letters, digits and `-` `_` `.` `@` `+` `~`".to_owned(),
        );
    }
    // `Ulid::from_string` takes lower case and drops two bits of overflow, so several strings would
    // name one id.
    match Ulid::from_string(id) {
        Ok(ulid) if ulid.array_to_str(&mut [0; ULID_LEN]) != id => {
            Some(format!("it reads as a ULID, whose only spelling is {ulid}"))
        }
        _ => None,
    }
}

/// What an error shows of a refused id: enough to recognise it, never a screenful.
fn shorten(id: &str) -> String {
    match id.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

impl From<Ulid> for Id {
    fn from(ulid: Ulid) -> Self {
        Self((*ulid.array_to_str(&mut [0; ULID_LEN])).into())
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, InvalidId> {
        Self::new(id)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// An id that cannot stand in a key, with the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is not an id: {rule}")]
pub struct InvalidId {
    shown: String,
    rule: String,
}

/// What can name an item: an [`Id`], text that is checked on use, or an item itself.
pub trait ToId {
    /// The id.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] if it is text that breaks the rule for ids.
    fn to_id(&self) -> Result<Id, InvalidId>;
}

impl ToId for Id {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Ok(self.clone())
    }
}

impl ToId for str {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Id::new(self)
    }
}

impl ToId for String {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Id::new(self)
    }
}

impl<I: ToId + ?Sized> ToId for &I {
    fn to_id(&self) -> Result<Id, InvalidId> {
        (**self).to_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_are_refused_with_the_rule() {
        let long = "x".repeat(129);
        for (bad, word) in [
            ("", "empty"),
            (":", "ASCII"),
            ("a:latest", "ASCII"),
            ("{a}", "ASCII"),
            ("*", "ASCII"),
            ("a?", "ASCII"),
            ("a\0", "ASCII"),
            ("a\n", "ASCII"),
            ("ü", "ASCII"),
            ("a b", "ASCII"),
            ("[a]", "ASCII"),
            ("a/b", "ASCII"),
            (&long, "limit is 128"),
            ("01arz3ndektsv4rrffq69g5fav", "only spelling is 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("81ARZ3NDEKTSV4RRFFQ69G5FAV", "only spelling is"),
        ] {
            let error = Id::new(bad).expect_err(bad).to_string();
            assert!(error.contains(word), "{bad:?}: {error}");
        }
    }

    #[test]
    fn an_id_in_json_is_checked_and_must_be_text() {
        assert!(serde_json::from_str::<Id>("\"abc123\"").is_ok());
        for bad in [&b"\"a:b\""[..], b"\"\xff\"", b"\"\\ud800\"", b"7", b"null"] {
            assert!(serde_json::from_slice::<Id>(bad).is_err(), "{bad:?}");
        }
    }
}
