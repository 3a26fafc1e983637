//! Cursors: where a page of a query ended, as authenticated text.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::{Error, ErrorKind, Result};

/// Where a page ended; the next one begins after it.
///
/// It is bound to one query: conditions, owner and order must be the same when it is used; the
/// limit may differ. It stays valid while items are created, changed and deleted: an item that
/// exists from the first page to the last is returned exactly once.
///
/// It is text that needs no escaping in a URL. It is authenticated: a cursor that was changed, or
/// that was made for another query, collection or tenant, is refused with `InvalidArgument`. It is
/// not secret: it contains an id, and the value of the field by which the query is ordered. See
/// [`StoreOptions::cursor_key`](crate::StoreOptions::cursor_key).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub(crate) fn new(key: &CursorKey, query: &[u8], position: &[u8]) -> Self {
        let tag = key.mac(query, position).finalize().into_bytes();
        Self(to_hex(tag.iter().take(TAG)) + &to_hex(position))
    }

    /// The position, if the cursor was made with this key for this query.
    pub(crate) fn position(&self, key: &CursorKey, query: &[u8]) -> Option<Vec<u8>> {
        if self.0.len() > MAX_LEN {
            return None;
        }
        let mut tag = from_hex(&self.0)?;
        let position = (tag.len() >= TAG).then(|| tag.split_off(TAG))?;
        // Compared in constant time.
        key.mac(query, &position).verify_truncated_left(&tag).ok()?;
        Some(position)
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

    /// Accepts any text; it is checked when a query uses it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// The secret key that authenticates cursors.
#[derive(Clone)]
pub(crate) struct CursorKey(Bytes);

impl CursorKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(key))
    }

    pub(crate) fn random(operation: &'static str) -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| {
            let message = format!("the operating system returned no random bytes: {error}");
            Error::new(operation, ErrorKind::Unsupported(message))
        })?;
        Ok(Self::new(&key))
    }

    /// Whether it is too short to be secure.
    pub(crate) fn is_short(&self) -> bool {
        self.0.len() < 16
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    fn mac(&self, query: &[u8], position: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // The length separates the query from the position.
        mac.update(&(query.len() as u64).to_be_bytes());
        mac.update(query);
        mac.update(position);
        mac
    }
}

/// Does not show the key.
impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// The maximum offset: the maximum size of a sorted set.
const MAX_OFFSET: u64 = u32::MAX as u64;

/// Refuses an offset that exceeds the maximum.
pub(crate) fn check_offset(offset: usize, operation: &'static str) -> Result<()> {
    if offset as u64 > MAX_OFFSET {
        let message = format!("offset must be at most {MAX_OFFSET}, not {offset}");
        return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
    }
    Ok(())
}

/// The bytes of the authentication tag: half of a SHA-256 hash, as RFC 2104 allows.
const TAG: usize = 16;

/// The maximum length of a cursor: twice the maximum length of an index entry and the tag.
const MAX_LEN: usize = 4096;

fn to_hex<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Accepts only what [`to_hex`] writes, so that a cursor has one spelling.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> CursorKey {
        CursorKey::new(&[byte; 32])
    }

    #[test]
    fn a_cursor_leads_back_to_its_position_and_to_no_other_query() {
        let cursor = Cursor::new(&key(1), b"query", b"x\0\xff position");
        let again: Cursor = cursor.to_string().parse().unwrap();
        assert_eq!(again.position(&key(1), b"query").unwrap(), b"x\0\xff position");
        assert_eq!(cursor.position(&key(1), b"other"), None);
        assert_eq!(cursor.position(&key(2), b"query"), None);
        // The same bytes, cut elsewhere.
        let moved = Cursor::new(&key(1), b"queryx", b"\0\xff position");
        assert_ne!(moved.0[..2 * TAG], cursor.0[..2 * TAG]);
    }

    #[test]
    fn no_changed_text_is_a_cursor() {
        let text = Cursor::new(&key(1), b"query", b"12 abc").0;
        let mut forged = vec![String::new(), "x".into(), "äöüäöü".into(), text.to_uppercase()];
        for at in 0..text.len() {
            forged.push(text[..at].to_owned());
            for digit in "0123456789abcdefgA".chars() {
                let changed = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
                if changed != text {
                    forged.push(changed);
                }
                forged.push(format!("{}{digit}{}", &text[..at], &text[at..]));
            }
        }
        forged.extend([
            text.clone() + "0",
            text.clone() + "00",
            text.repeat(2),
            "0".repeat(1 << 20),
        ]);
        for text in forged {
            assert_eq!(Cursor(text.clone()).position(&key(1), b"query"), None, "{text}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", CursorKey::new(b"secret secret secret")), "CursorKey(…)");
    }
}
