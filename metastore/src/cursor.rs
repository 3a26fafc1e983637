//! Where a page of a list ended, to be handed out and taken back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};

/// Where a page ended; the next one begins behind it.
///
/// It belongs to one query: conditions and order must be the same when it is used, the limit need not.
/// It stays right while items are created, changed and deleted: whatever is there from the first page
/// to the last is found exactly once. It is text that can stand in a URL, and it is not secret: it
/// contains an id, and the value of the field by which the query is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub(crate) fn new(query: &[u8], position: &[u8]) -> Self {
        Self(format!("{}{}", fingerprint(query), to_hex(position)))
    }

    /// The position, if the cursor is one of this query.
    pub(crate) fn position(&self, query: &[u8], operation: &'static str) -> Result<Vec<u8>, Error> {
        let wrong = |reason: &str| {
            let message = format!("the cursor {reason}");
            Error::new(operation, ErrorKind::InvalidArgument(message))
        };
        let (own, position) = self
            .0
            .split_at_checked(FINGERPRINT)
            .and_then(|(own, position)| Some((own, from_hex(position)?)))
            .ok_or_else(|| wrong("is none that this library has made"))?;
        if own != fingerprint(query) {
            return Err(wrong("belongs to another query, or to another order of this one"));
        }
        Ok(position)
    }

    /// The cursor as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    /// Takes any text; whether it is a cursor of the query shows when it is used.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Page<I> {
    /// What is on the page.
    pub items: Vec<I>,
    /// Where it ended; `None` if nothing follows.
    pub next: Option<Cursor>,
}

/// The digits of a fingerprint: enough that no two queries of a program share one.
const FINGERPRINT: usize = 12;

fn fingerprint(query: &[u8]) -> String {
    to_hex(&Sha256::digest(query)[..FINGERPRINT / 2])
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_position_and_to_no_other_query() {
        let cursor = Cursor::new(b"query", b"x\0\xff position");
        let again: Cursor = cursor.to_string().parse().unwrap();
        assert_eq!(again.position(b"query", "list").unwrap(), b"x\0\xff position");
        let error = cursor.position(b"other", "list").unwrap_err().to_string();
        assert!(error.contains("belongs to another query"), "{error}");
    }

    #[test]
    fn what_is_no_cursor_is_told_so() {
        for text in ["", "x", "äöüäöüäöü", "0123456789abz", "0123456789ab0"] {
            let cursor: Cursor = text.parse().unwrap();
            let error = cursor.position(b"query", "list").unwrap_err().to_string();
            assert!(error.contains("is none that this library has made"), "{text}: {error}");
        }
    }
}
