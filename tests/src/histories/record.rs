//! The record of a call: its request, its times and its outcome.

use serde::{Deserialize, Serialize};

/// The token of writes that no answer has shown.
pub(super) const UNSEEN: &str = "?";

/// The collections that histories use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Versions only: updates are coalesced.
    Plain,
    /// With an index and an audit trail.
    Audited,
    /// With a unique field.
    Unique,
}

/// The content of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Value {
    /// The call that wrote it, unique to each call.
    pub token: String,
    /// How often it was incremented since it was last written as a whole.
    pub count: u64,
    /// Its value of the unique field, where there is one.
    pub name: Option<String>,
}

/// The state that a write expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Basis {
    /// Any state.
    Current,
    /// This version.
    At(u64),
    /// The version that the caller has in hand.
    InHand {
        /// Its number.
        version: u64,
        /// Its commit id.
        commit: String,
    },
}

/// How a write changes a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    /// `update` with the token alone.
    Token(String),
    /// `update` with the token and the unique field.
    Rename(String, Option<String>),
    /// `replace`.
    Whole(Value),
    /// `modify`: increments and sets the token.
    Add(String),
}

impl Change {
    /// The document after the change.
    #[must_use]
    pub(super) fn apply(&self, old: &Value) -> Value {
        match self {
            Self::Token(token) => Value { token: token.clone(), ..old.clone() },
            Self::Rename(token, name) => {
                Value { token: token.clone(), name: name.clone(), ..old.clone() }
            }
            Self::Whole(value) => value.clone(),
            Self::Add(token) => {
                Value { token: token.clone(), count: old.count + 1, name: old.name.clone() }
            }
        }
    }

    /// The token that it writes.
    #[must_use]
    pub(super) fn token(&self) -> &str {
        match self {
            Self::Token(token) | Self::Rename(token, _) | Self::Add(token) => token,
            Self::Whole(value) => &value.token,
        }
    }
}

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Operation {
    /// `create`, `create_with_id`, `create_many`.
    Create(Value),
    /// `update`, `update_at`, `replace`, `modify`.
    Update(Basis, Change),
    /// `revert` to this version.
    Revert(Basis, u64),
    /// `delete`, `delete_at`.
    Delete(Basis),
    /// `get`.
    Get,
    /// `get_version`.
    GetVersion(u64),
    /// `list`, of all items.
    List,
    /// `count`.
    Count,
    /// `get_by` the unique field.
    GetBy(String),
}

impl Operation {
    /// The token that it writes, if it writes one.
    #[must_use]
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Create(value) => Some(&value.token),
            Self::Update(_, change) => Some(change.token()),
            _ => None,
        }
    }

    /// The same for a write that no answer has shown.
    pub(super) fn unseen(mut self) -> Self {
        match &mut self {
            Self::Create(value) | Self::Update(_, Change::Whole(value)) => {
                UNSEEN.clone_into(&mut value.token);
            }
            Self::Update(
                _,
                Change::Token(token) | Change::Rename(token, _) | Change::Add(token),
            ) => {
                UNSEEN.clone_into(token);
            }
            _ => {}
        }
        self
    }

    /// Whether it may write.
    #[must_use]
    pub(super) fn writes(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Update(..) | Self::Revert(..) | Self::Delete(_))
    }
}

/// A version that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The id of the item.
    pub(super) id: String,
    /// The number of the version.
    pub(super) version: u64,
    /// The id of the commit that wrote it.
    pub(super) commit: String,
    /// When the item was created, in milliseconds.
    pub(super) created: u64,
    /// The document.
    pub(super) value: Value,
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// This version, written or read.
    Item(Seen),
    /// A write had nothing to change; the current version.
    Unchanged(Seen),
    /// A read found nothing.
    Nothing,
    /// All items; `false` if there may be more.
    Items(Vec<Seen>, bool),
    /// A number of items.
    Count(u64),
    /// Whether an item was deleted.
    Deleted(bool),
    /// `NotFound`.
    NotFound,
    /// `AlreadyExists`, with the unique field.
    AlreadyExists(Option<String>),
    /// `Conflict`.
    Conflict {
        /// The expected version.
        expected: u64,
        /// The version that was found.
        actual: u64,
    },
    /// It may or may not take effect, now or later; with the commit id if the answer contains it.
    Unknown(Option<String>),
    /// It did not happen, according to the error.
    Failed(String),
    /// An answer that should not occur.
    Unexpected(String),
}

/// One call, as it was recorded.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The process, counted from 0; replacements of killed ones count on.
    pub(super) process: u32,
    /// The task within the process.
    pub(super) task: u32,
    /// The collection.
    pub(super) kind: Kind,
    /// The named item; `None` for a generated id and for lists.
    pub(super) id: Option<String>,
    /// The request.
    pub(super) operation: Operation,
    /// When it started, in nanoseconds of the machine's monotonic clock.
    pub(super) invoked: u64,
    /// When it ended; `None` if it never did.
    pub(super) returned: Option<u64>,
    /// Its outcome. `Unknown` if it never returned.
    pub(super) answer: Answer,
}

impl Call {
    /// Whether its outcome is unknown: it may have happened at any time since it started.
    #[must_use]
    pub(super) fn is_open(&self) -> bool {
        matches!(self.answer, Answer::Unknown(_))
    }

    /// Its item, if known.
    #[must_use]
    pub(super) fn item(&self) -> Option<&str> {
        match (&self.id, &self.answer) {
            (Some(id), _) => Some(id),
            (None, Answer::Item(seen)) => Some(&seen.id),
            _ => None,
        }
    }

    /// The versions that its answer shows.
    pub(super) fn seen(&self) -> &[Seen] {
        match &self.answer {
            Answer::Item(seen) | Answer::Unchanged(seen) => std::slice::from_ref(seen),
            Answer::Items(items, _) => items,
            _ => &[],
        }
    }
}

/// One line of a process's log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// A call starts.
    Invoked {
        /// Its number within the process.
        call: u64,
        /// The time.
        at: u64,
        /// The task.
        task: u32,
        /// The collection.
        kind: Kind,
        /// The item.
        id: Option<String>,
        /// The request.
        operation: Operation,
    },
    /// A call has returned.
    Returned {
        /// Its number within the process.
        call: u64,
        /// The time.
        at: u64,
        /// The outcome.
        answer: Answer,
    },
}
