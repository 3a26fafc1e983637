//! A reply of the server in RESP2, the older and simpler of the two Redis protocols.

mod connection;

use std::fmt;

pub use connection::{Connection, encode};

/// One reply of the server.
///
/// The conveniences panic when the reply is of another kind, and the message shows the reply.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// The null bulk string or the null array: there is no such value.
    Nil,
    /// An integer.
    Int(i64),
    /// A binary-safe string.
    Bulk(Vec<u8>),
    /// A status line such as `OK`.
    Simple(String),
    /// An error line such as `WRONGTYPE Operation against a key ...`, without the leading dash.
    Error(String),
    /// A list of replies.
    Array(Vec<Reply>),
}

impl Reply {
    /// The text of a bulk string or a status line.
    #[track_caller]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Simple(text) => text,
            Self::Bulk(bytes) => {
                std::str::from_utf8(bytes).expect("the reply should be valid UTF-8")
            }
            other => panic!("expected a string reply, got {other:?}"),
        }
    }

    /// The bytes of a bulk string or a status line.
    #[track_caller]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Simple(text) => text.as_bytes(),
            Self::Bulk(bytes) => bytes,
            other => panic!("expected a string reply, got {other:?}"),
        }
    }

    /// The value of an integer reply.
    #[track_caller]
    pub fn as_int(&self) -> i64 {
        match self {
            Self::Int(value) => *value,
            other => panic!("expected an integer reply, got {other:?}"),
        }
    }

    /// The elements of an array reply.
    #[track_caller]
    pub fn as_array(&self) -> &[Reply] {
        match self {
            Self::Array(elements) => elements,
            other => panic!("expected an array reply, got {other:?}"),
        }
    }

    /// The elements of an array of strings.
    #[track_caller]
    pub fn as_strings(&self) -> Vec<&str> {
        self.as_array().iter().map(Reply::as_str).collect()
    }

    /// The text of an error reply, or `None` for every other kind of reply.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Error(text) => Some(text),
            _ => None,
        }
    }

    /// True for the null reply.
    pub fn is_nil(&self) -> bool {
        *self == Self::Nil
    }
}

/// Shows bulk strings as text, because a list of byte values does not help in a failed test.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Int(value) => write!(f, "Int({value})"),
            Self::Bulk(bytes) => write!(f, "Bulk(\"{}\")", bytes.escape_ascii()),
            Self::Simple(text) => write!(f, "Simple({text:?})"),
            Self::Error(text) => write!(f, "Error({text:?})"),
            Self::Array(elements) => f.debug_list().entries(elements).finish(),
        }
    }
}
