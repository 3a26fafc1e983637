//! Ids of items.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::{ULID_LEN, Ulid};

use super::encoding;

/// The longest id, in bytes.
const MAX_LEN: usize = 128;

/// The characters that an encoded id holds unchanged, in addition to letters, digits, `-`, `_` and
/// `.`.
const PLAIN: &[u8] = b"@+";

/// The id of an item: 1 to 128 ASCII letters, digits or `-` `_` `.` `@` `+` `~`.
///
/// Generated ids are [ULIDs](https://github.com/ulid/spec), which sort by time. Ids are compared
/// byte by byte, even if they look like ULIDs. [`Id::encoded`] makes an id of text with other
/// characters. Cloning is cheap.
///
/// ```
/// use metastore::Id;
///
/// assert!(Id::new("ada@example.com").is_ok());
/// let refused = Id::new("a:b").unwrap_err();
/// assert!(refused.to_string().contains("ASCII letters, digits"));
/// assert_eq!(Id::encoded("a:b")?.as_str(), "a~3ab");
/// # Ok::<(), metastore::InvalidId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Arc<str>);

impl Id {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] with the rule that the id violates.
    pub fn new(id: &str) -> Result<Self, InvalidId> {
        match broken_rule(id) {
            Some(rule) => Err(InvalidId { shown: shorten(id), rule }),
            None => Ok(Self(id.into())),
        }
    }

    /// The id for any text, such as an id of another system.
    ///
    /// Each byte of the text (as UTF-8) that is neither an ASCII letter or digit nor `-` `_` `.`
    /// `@` `+` becomes `~` and two hexadecimal digits: `auth0|x` is `auth0~7cx`. So different texts
    /// have different ids, text that needs no encoding is its own id, and [`Id::decoded`] returns
    /// the text.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] if the text is empty, or the id would be longer than 128 bytes.
    ///
    /// ```
    /// use metastore::Id;
    ///
    /// let id = Id::encoded("us-east-1:1b2c/o'brien")?;
    /// assert_eq!(id.as_str(), "us-east-1~3a1b2c~2fo~27brien");
    /// assert_eq!(id.decoded().as_deref(), Some("us-east-1:1b2c/o'brien"));
    /// # Ok::<(), metastore::InvalidId>(())
    /// ```
    pub fn encoded(text: &str) -> Result<Self, InvalidId> {
        let id = encoding::encode(text, PLAIN);
        if id.len() > MAX_LEN {
            let rule = format!("it has {} bytes once encoded, the limit is {MAX_LEN}", id.len());
            return Err(InvalidId { shown: shorten(text), rule });
        }
        Self::new(&id)
    }

    /// The text for which [`Id::encoded`] returns this id; `None` if none does.
    #[must_use]
    pub fn decoded(&self) -> Option<String> {
        encoding::decode(&self.0, PLAIN)
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
            "it may hold only ASCII letters, digits and `-` `_` `.` `@` `+` `~`; `Id::encoded` takes any \
             text"
                .to_owned(),
        );
    }
    None
}

/// The part of a refused id that an error shows.
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

/// Text that is not a valid id, with the rule that it violates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is not a valid id: {rule}")]
pub struct InvalidId {
    shown: String,
    rule: String,
}

/// A value that names an item: an [`Id`], text that is checked on use, an integer, a `Uuid` (with
/// the feature `uuid`), or an item itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an id",
    label = "expected an id: an `Id`, text, an integer, or an item",
    note = "for a `Uuid` enable the feature `uuid` of metastore; for another type write `Id::encoded(&value.to_string())?`"
)]
pub trait ToId {
    /// The id.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] if it is text that is not a valid id.
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

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl ToId for $ty {
            fn to_id(&self) -> Result<Id, InvalidId> {
                Id::new(&self.to_string())
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

#[cfg(feature = "uuid")]
impl ToId for uuid::Uuid {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Id::new(&self.to_string())
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
    use proptest::prelude::*;

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
        ] {
            let error = Id::new(bad).expect_err(bad).to_string();
            assert!(error.contains(word), "{bad:?}: {error}");
        }
    }

    #[test]
    fn what_only_looks_like_a_ulid_is_an_id_like_any_other() {
        for id in [
            "01arz3ndektsv4rrffq69g5fav",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "abcdefghijklmnopqrstuvwxyz",
            "zzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(Id::new(id).expect(id).as_str(), id);
        }
    }

    #[test]
    fn any_text_has_an_id_of_its_own_up_to_a_length() {
        for (text, id) in [
            ("auth0|x", "auth0~7cx"),
            ("us-east-1:1b2c", "us-east-1~3a1b2c"),
            ("o'brien@example.com", "o~27brien@example.com"),
            ("user/42", "user~2f42"),
            ("a~b", "a~7eb"),
            ("ü", "~c3~bc"),
        ] {
            assert_eq!(Id::encoded(text).expect(text).as_str(), id);
        }
        assert!(Id::encoded("").unwrap_err().to_string().contains("empty"));
        let error = Id::encoded(&"ü".repeat(22)).unwrap_err().to_string();
        assert!(error.contains("has 132 bytes once encoded"), "{error}");
    }

    proptest! {
        #[test]
        fn encoding_is_reversible_and_one_to_one(a in "[a~:/|\0ü😀 ]{1,12}", b in "[a~:/|\0ü😀 ]{1,12}") {
            let (x, y) = (Id::encoded(&a).unwrap(), Id::encoded(&b).unwrap());
            let decoded = x.decoded();
            prop_assert_eq!(decoded.as_deref(), Some(&*a));
            prop_assert_eq!(x == y, a == b);
        }

        #[test]
        fn what_decodes_is_spelt_as_it_would_be_encoded(id in "[a0-9cf~@+.]{1,12}") {
            let id = Id::new(&id).unwrap();
            if let Some(text) = id.decoded() {
                prop_assert_eq!(Id::encoded(&text).unwrap(), id);
            }
        }
    }

    #[test]
    fn numbers_are_ids_by_their_digits() {
        assert_eq!(7u64.to_id().unwrap().as_str(), "7");
        assert_eq!((-7i64).to_id().unwrap().as_str(), "-7");
        assert_eq!(u128::MAX.to_id().unwrap().as_str().len(), 39);
    }

    #[test]
    fn an_id_in_json_is_checked_and_must_be_text() {
        assert!(serde_json::from_str::<Id>("\"abc123\"").is_ok());
        for bad in [&b"\"a:b\""[..], b"\"\xff\"", b"\"\\ud800\"", b"7", b"null"] {
            assert!(serde_json::from_slice::<Id>(bad).is_err(), "{bad:?}");
        }
    }
}
