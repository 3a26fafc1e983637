//! The one error of the crate: what went wrong, in which operation, at which key.

mod kind;
mod violation;

use std::error::Error as StdError;
use std::fmt;

use crate::key::{InvalidActor, InvalidId, InvalidName};
use crate::time::InvalidTime;
pub use kind::ErrorKind;
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

impl Error {
    pub(crate) fn new(operation: &'static str, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, operation, key: None, source: None }))
    }

    pub(crate) fn at(mut self, key: impl Into<String>) -> Self {
        self.0.key.get_or_insert_with(|| key.into());
        self
    }

    /// The error for an unknown name.
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

    /// Sets the operation of an error that was made by a lower layer.
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

    /// Whether another write came first: the version is stale, or the id is taken.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind(), ErrorKind::Conflict { .. } | ErrorKind::AlreadyExists { .. })
    }

    /// Whether the document violates its validation rules; [`Error::violations`] lists the
    /// violations.
    #[must_use]
    pub fn is_validation(&self) -> bool {
        matches!(self.kind(), ErrorKind::Validation(_))
    }

    /// Whether the document or result itself is invalid: it breaks its rules, is too large or too
    /// deep, or cannot be written as JSON. A bulk writer can skip such a document.
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

    /// Whether the same call may succeed when it is made again later.
    ///
    /// True when the server is unavailable, loading or changing its role, and after a timeout.
    /// After [`ErrorKind::OutcomeUnknown`], read the item first.
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

    /// The violations of validation rules; empty for every other kind of error.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        match self.kind() {
            ErrorKind::Validation(violations) => violations.as_slice(),
            _ => &[],
        }
    }
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
