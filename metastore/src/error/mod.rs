//! The one error of the crate: what went wrong, in which operation, at which key.

mod violation;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::key::{InvalidActor, InvalidId, InvalidName};
use crate::time::InvalidTime;
pub use violation::{Violation, Violations};

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the operation, the key and the source.
///
/// Match on [`Error::kind`], or ask one of the predicates.
///
/// ```
/// use metastore::{Error, ErrorKind, Id};
///
/// let error = Error::from(Id::new("a:b").unwrap_err());
/// assert!(matches!(error.kind(), ErrorKind::InvalidId(_)));
/// assert!(!error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    key: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such item or version: never created, deleted, or expired.
    #[error("not found")]
    NotFound,
    /// An item with this id is there already, or one with this value of a unique field.
    #[error("an item with this {} exists already", field.as_deref().unwrap_or("id"))]
    AlreadyExists {
        /// The unique field, by its name in the JSON; `None` if it is the id that is taken.
        field: Option<String>,
    },
    /// The item is at another version than the caller expected; nothing was changed.
    ///
    /// Equal numbers mean that the item was deleted and created again under the same id.
    #[error("conflict: expected version {expected}, found version {actual}")]
    Conflict {
        /// The version that the caller had in hand.
        expected: u64,
        /// The version that is stored.
        actual: u64,
    },
    /// The document breaks its rules; nothing was written.
    #[error("invalid document: {0}")]
    Validation(Violations),
    /// The id breaks the rule for ids.
    #[error("{0}")]
    InvalidId(InvalidId),
    /// A name breaks the rule for names.
    #[error("{0}")]
    InvalidName(InvalidName),
    /// An argument is out of its range.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// Nothing has this name: a collection, field, mutation, transformation or operator that was named
    /// in text.
    #[error("there is no {what} `{name}`; {}", listed(known))]
    UnknownName {
        /// What was named, in a word.
        what: &'static str,
        /// The name, cut after 64 characters.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The JSON is no document of the collection: a field is missing, unknown to it, or of another type.
    /// Nothing was written.
    #[error("the JSON does not fit{}: {message}", at_path(path))]
    InvalidJson {
        /// The path in the JSON, such as `tags[3]`; empty for the document as a whole.
        path: String,
        /// What was expected there; the value is never part of it.
        message: String,
    },
    /// The document or result has more bytes than the limit.
    #[error("{size} bytes of JSON are over the limit of {limit}")]
    TooLarge {
        /// The bytes counted when the limit was passed.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The document or result is nested deeper than the limit.
    #[error("nested deeper than the limit of {limit} levels")]
    TooDeep {
        /// The limit, in levels of objects and arrays.
        limit: usize,
    },
    /// The document or result could not be read back as it would be written: it holds a number that is not
    /// finite, or something that serde writes and cannot read again. Nothing was written.
    #[error("what is written could not be read back{}: {message}", at_path(path))]
    Unreadable {
        /// The path in the JSON, such as `prices[3]`; empty for the document as a whole.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// The document or result cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Encode(String),
    /// An indexed field holds something that cannot be indexed; nothing was written.
    #[error("`{field}` is indexed, but {reason}")]
    Unindexable {
        /// The field, by its name in the JSON.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// An index does not hold all items yet: it was added to a collection with items in it. `backfill`
    /// completes it.
    #[error(
        "the index of `{field}` holds {indexed} of {items} items: run `backfill()` on the collection, \
         once no writer without the index is left"
    )]
    IndexIncomplete {
        /// The field, by its name in the JSON.
        field: String,
        /// How many items the index holds.
        indexed: u64,
        /// How many items there are.
        items: u64,
    },
    /// What is stored does not read as the type that the collection has now.
    #[error("version {version} does not decode at `{path}`: {message}")]
    Decode {
        /// The version that was read, as far as it is known; 0 if not even that could be read.
        version: u64,
        /// The path in the JSON, such as `data.tags[3]`.
        path: String,
        /// What was expected there.
        message: String,
    },
    /// A document of an older schema cannot be brought to the one that the program has now. What is
    /// stored is untouched.
    #[error("version {version} could not be upgraded from schema {from} to {to}: {message}")]
    Upgrade {
        /// The version of the item that was read.
        version: u64,
        /// The schema number that the failed step starts from.
        from: u32,
        /// The schema number that it leads to.
        to: u32,
        /// What the upgrade function said.
        message: String,
    },
    /// The document was written by a program that is newer than this one: it cannot be read here, or
    /// not be written without claiming a shape that this program does not know. Nothing was written.
    #[error(
        "version {version} has schema {stored}, and this program knows schemas up to {known}: a newer \
         program is running, leave the item to it"
    )]
    NewerSchema {
        /// The version of the item that is stored.
        version: u64,
        /// Its schema number.
        stored: u32,
        /// The highest schema number that this program knows.
        known: u32,
    },
    /// The key holds another type of Redis value; nothing was written.
    #[error("the key holds another type of value: {0}")]
    WrongType(String),
    /// No connection, or a server that serves nobody for the moment: it is gone, has no connection left
    /// (`maxclients`), runs a long script, or is a replica that waits for its primary. Nothing was written.
    #[error("the server is not available: {0}")]
    Unavailable(String),
    /// The server is still loading its data. Nothing was written.
    #[error("the server is loading its data")]
    Loading,
    /// The server takes no writes: a replica, or a primary that has been demoted.
    #[error("the server is read-only: {0}")]
    ReadOnly(String),
    /// The server is full (`maxmemory`). Nothing was written.
    #[error("the server is out of memory: {0}")]
    OutOfMemory(String),
    /// The password or the user is wrong, or lacks a permission.
    #[error("the server refused access: {0}")]
    Auth(String),
    /// The server is of a kind that this library does not serve.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The server refused for a reason of its own.
    #[error("the server refused: {0}")]
    Server(String),
    /// The reply did not come, and it could not be found out in time whether the write was applied.
    #[error(
        "no reply within {waited:?}: commit {commit} may or may not be applied; \
         read the item and compare its commit id"
    )]
    OutcomeUnknown {
        /// The id that the write carries.
        commit: String,
        /// How long it was tried to find out.
        waited: Duration,
    },
    /// What was waited for did not come before the deadline.
    #[error("not finished within {0:?}")]
    Timeout(Duration),
    /// The job failed for good.
    #[error("the job failed after {attempts} attempts: {message}")]
    JobFailed {
        /// How many runs of it failed; see [`JobStatus::attempts`](crate::JobStatus::attempts).
        attempts: u32,
        /// What the last run said.
        message: String,
    },
    /// The job was cancelled.
    #[error("the job was cancelled")]
    JobCancelled,
    /// The same transformation of the same item runs already.
    #[error("it runs already")]
    JobRunning,
    /// The job is gone: its item was deleted or has expired.
    #[error("the job is gone: its item was deleted or has expired")]
    JobGone,
    /// The async runtime in which the store was opened has ended, and its connections with it. No call of this
    /// store can succeed any more, and nothing was written.
    #[error(
        "the runtime in which the store was opened has ended: open the store in a runtime that lives as long \
         as the store is used, in tests one store for each test"
    )]
    RuntimeEnded,
    /// The embedded server could not be started.
    #[error("the embedded server did not start: {0}")]
    Embedded(String),
}

impl Error {
    pub(crate) fn new(operation: &'static str, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, operation, key: None, source: None }))
    }

    pub(crate) fn at(mut self, key: impl Into<String>) -> Self {
        self.0.key.get_or_insert_with(|| key.into());
        self
    }

    /// The error for a name that nothing has.
    pub(crate) fn unknown_name<K: Into<String>>(
        operation: &'static str,
        what: &'static str,
        name: &str,
        known: impl IntoIterator<Item = K>,
    ) -> Self {
        let name = name.chars().take(64).collect();
        let known = known.into_iter().map(Into::into).collect();
        Self::new(operation, ErrorKind::UnknownName { what, name, known })
    }

    /// Names the operation, where a lower layer that does not know it made the error.
    pub(crate) fn during(mut self, operation: &'static str) -> Self {
        self.0.operation = operation;
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The operation that failed, such as `update`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The key at which it failed, if one was involved.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Whether there is no such item, version or job.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound | ErrorKind::JobGone)
    }

    /// Whether another write came first: a stale version, or an id that is taken.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind(), ErrorKind::Conflict { .. } | ErrorKind::AlreadyExists { .. })
    }

    /// Whether the document breaks its rules; [`Error::violations`] lists how.
    #[must_use]
    pub fn is_validation(&self) -> bool {
        matches!(self.kind(), ErrorKind::Validation(_))
    }

    /// Whether the document or result itself is at fault, and nothing else: it breaks its rules, is too
    /// large or too deep, or cannot be written as JSON. Whoever writes many can skip such a one.
    #[must_use]
    pub fn is_invalid_document(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Validation(_)
                | ErrorKind::InvalidJson { .. }
                | ErrorKind::TooLarge { .. }
                | ErrorKind::TooDeep { .. }
                | ErrorKind::Unreadable { .. }
                | ErrorKind::Encode(_)
                | ErrorKind::Unindexable { .. }
        )
    }

    /// Whether the same call, made again later, may succeed without anybody mending anything.
    ///
    /// True when the server is away, loading or changing its role, and when time ran out. After
    /// [`ErrorKind::OutcomeUnknown`], read the item first.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unavailable(_)
                | ErrorKind::Loading
                | ErrorKind::ReadOnly(_)
                | ErrorKind::OutcomeUnknown { .. }
                | ErrorKind::Timeout(_)
                | ErrorKind::JobRunning
        )
    }

    /// The rules that the document breaks; empty for every other kind of error.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        match self.kind() {
            ErrorKind::Validation(violations) => violations.as_slice(),
            _ => &[],
        }
    }
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    }
}

fn at_path(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.operation)?;
        if let Some(key) = &self.0.key {
            write!(f, " {key}")?;
        }
        write!(f, ": {}", self.0.kind)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("operation", &self.0.operation)
            .field("key", &self.0.key)
            .field("kind", &self.0.kind)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<InvalidId> for Error {
    fn from(invalid: InvalidId) -> Self {
        Self::new("id", ErrorKind::InvalidId(invalid))
    }
}

impl From<InvalidActor> for Error {
    fn from(invalid: InvalidActor) -> Self {
        Self::new("actor", ErrorKind::InvalidArgument(invalid.to_string()))
    }
}

impl From<InvalidName> for Error {
    fn from(invalid: InvalidName) -> Self {
        Self::new("name", ErrorKind::InvalidName(invalid))
    }
}

impl From<InvalidTime> for Error {
    fn from(invalid: InvalidTime) -> Self {
        Self::new("time", ErrorKind::InvalidArgument(invalid.to_string()))
    }
}
