//! What can go wrong, as the kinds that callers match on.

use std::time::Duration;

use super::Violations;
use crate::key::{InvalidId, InvalidName};

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such item or version: never created, deleted, or expired.
    #[error("not found")]
    NotFound,
    /// An item with this id already exists, or one with this value of a unique field.
    #[error("an item with this {} already exists", field.as_deref().unwrap_or("id"))]
    AlreadyExists {
        /// The unique field, by its name in the JSON; `None` if the id is taken.
        field: Option<String>,
    },
    /// The item is at another version than the caller expected; nothing was changed.
    ///
    /// Equal numbers mean that the item was deleted and created again under the same id.
    #[error("conflict: expected version {expected}, found version {actual}")]
    Conflict {
        /// The version that the caller expected.
        expected: u64,
        /// The version that is stored.
        actual: u64,
    },
    /// The document violates its validation rules; nothing was written.
    #[error("invalid document: {0}")]
    Validation(Violations),
    /// The id is not valid.
    #[error("{0}")]
    InvalidId(InvalidId),
    /// A name is not valid.
    #[error("{0}")]
    InvalidName(InvalidName),
    /// An argument is out of its range.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// A collection, field, mutation, transformation or operator that was named in text does not
    /// exist.
    #[error("unknown {what} `{name}`; {}", listed(known))]
    UnknownName {
        /// The kind of thing that was named, such as `field`.
        what: &'static str,
        /// The name, truncated to 64 characters.
        name: String,
        /// The existing names.
        known: Vec<String>,
    },
    /// The JSON is not a document of the collection: a field is missing, unknown, or of another
    /// type. Nothing was written.
    #[error("the JSON does not fit{}: {message}", at_path(path))]
    InvalidJson {
        /// The path in the JSON, such as `tags[3]`; empty for the document as a whole.
        path: String,
        /// What was expected there; it never contains the value.
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
    /// The document or result could not be read back after it was written: it contains a number
    /// that is not finite, or something that serde writes and cannot read. Nothing was written.
    #[error("the document could not be read back{}: {message}", at_path(path))]
    Unreadable {
        /// The path in the JSON, such as `prices[3]`; empty for the document as a whole.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// The document or result cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Encode(String),
    /// An indexed field has a value that cannot be indexed; nothing was written.
    #[error("`{field}` is indexed, but {reason}")]
    Unindexable {
        /// The field, by its name in the JSON.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// An index does not contain all items: it was added to a collection with items, or a program
    /// without it has written. `backfill` completes it.
    #[error(
        "the index of `{field}` holds {indexed} of {items} items: run `backfill()` on the collection, \
         once no writer without the index is left"
    )]
    IndexIncomplete {
        /// The field, by its name in the JSON.
        field: String,
        /// How many items the index contains.
        indexed: u64,
        /// How many items exist.
        items: u64,
    },
    /// The stored document cannot be read as the type that the collection has now.
    #[error("version {version} does not decode at `{path}`: {message}")]
    Decode {
        /// The version that was read, as far as it is known; 0 if not even that could be read.
        version: u64,
        /// The path in the JSON, such as `data.tags[3]`.
        path: String,
        /// What was expected there.
        message: String,
    },
    /// A document of an older schema could not be upgraded to the current one. The stored document
    /// is unchanged.
    #[error("version {version} could not be upgraded from schema {from} to {to}: {message}")]
    Upgrade {
        /// The version of the item that was read.
        version: u64,
        /// The schema number that the failed step starts from.
        from: u32,
        /// The schema number that it leads to.
        to: u32,
        /// The error of the upgrade function.
        message: String,
    },
    /// The document was written by a newer program: this one cannot read it, or cannot write it
    /// without claiming a shape that it does not know. Nothing was written.
    #[error(
        "version {version} has schema {stored}, and this program knows schemas up to {known}: a newer \
         program is running; change the item with that one"
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
    /// No connection, or a server that does not accept commands at the moment: it is down, has no
    /// free connection (`maxclients`), runs a long script, or is a replica that waits for its
    /// primary. Nothing was written.
    #[error("the server is not available: {0}")]
    Unavailable(String),
    /// The server is still loading its data. Nothing was written.
    #[error("the server is loading its data")]
    Loading,
    /// The server does not accept writes: a replica, or a primary that has been demoted.
    #[error("the server is read-only: {0}")]
    ReadOnly(String),
    /// The server is full (`maxmemory`). Nothing was written.
    #[error("the server is out of memory: {0}")]
    OutOfMemory(String),
    /// The password or the user is wrong, or lacks a permission.
    #[error("the server refused access: {0}")]
    Auth(String),
    /// The server is of a kind that this library does not support.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The server refused the command for another reason.
    #[error("the server refused: {0}")]
    Server(String),
    /// The reply was lost, and it could not be determined in time whether the write was applied.
    #[error(
        "no reply within {waited:?}: commit {commit} may or may not be applied; \
         read the item and compare its commit id"
    )]
    OutcomeUnknown {
        /// The id that the write carries.
        commit: String,
        /// How long the library tried to determine the outcome.
        waited: Duration,
    },
    /// The deadline passed while waiting.
    #[error("not finished within {0:?}")]
    Timeout(Duration),
    /// The job failed for good.
    #[error("the job failed after {attempts} attempts: {message}")]
    JobFailed {
        /// How many runs of it failed; see [`JobStatus::attempts`](crate::JobStatus::attempts).
        attempts: u32,
        /// The error of the last run.
        message: String,
    },
    /// The job was cancelled.
    #[error("the job was cancelled")]
    JobCancelled,
    /// The same transformation of the same item is already running.
    #[error("the job is already running")]
    JobRunning,
    /// The job is gone: its item was deleted or has expired.
    #[error("the job is gone: its item was deleted or has expired")]
    JobGone,
    /// The async runtime in which the store was opened has ended, and its connections with it. No
    /// call on this store can succeed any more. Nothing was written.
    #[error(
        "the runtime in which the store was opened has ended: open the store in a runtime that lives as long \
         as the store is used; in tests, open one store per test"
    )]
    RuntimeEnded,
    /// The embedded server could not be started.
    #[error("the embedded server did not start: {0}")]
    Embedded(String),
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "none exist".to_owned()
    } else {
        format!("existing ones: {}", known.join(", "))
    }
}

fn at_path(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}
