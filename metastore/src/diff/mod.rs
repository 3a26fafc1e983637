//! What lies between two versions of a document.

mod render;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::item::VersionInfo;

/// The difference between two versions of an item, by [`Repo::diff`](crate::Repo::diff).
///
/// It is shown as text for people, one change a line, and texts of several lines line by line:
///
/// ```text
/// --- version 1, 2026-11-24T09:00:00.000Z by ada
/// +++ version 4, 2026-11-24T10:30:00.000Z by bob
/// ~ /content
///     first line
///   - second line
///   + another line
/// ~ /language: null → "en"
/// + /pages: 3
/// ```
///
/// [`Diff::patch`] gives it to programs, as does serialising it. It compares what is stored, so fields
/// that the struct does not know are in it, and a version of an older schema is compared as it was
/// written. Numbers are compared as 64-bit integers or as floating-point numbers.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The version that the changes start from.
    pub from: VersionInfo,
    /// The version that they lead to.
    pub to: VersionInfo,
    patch: json_patch::Patch,
    #[serde(skip)]
    before: Value,
    #[serde(skip)]
    after: Value,
}

impl Diff {
    pub(crate) fn new(from: (VersionInfo, Value), to: (VersionInfo, Value)) -> Self {
        let ((from, before), (to, after)) = (from, to);
        Self { from, to, patch: json_patch::diff(&before, &after), before, after }
    }

    /// The changes as a JSON Patch (RFC 6902): an array of operations that, applied to the older
    /// document, give the newer one. Paths begin at the document. Lists are compared place by place.
    #[must_use]
    pub fn patch(&self) -> Value {
        // A patch holds nothing that JSON could not.
        serde_json::to_value(&self.patch).unwrap_or_default()
    }

    /// Whether the two versions hold the same document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patch.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (mark, version) in [("---", &self.from), ("+++", &self.to)] {
            write!(f, "{mark} version {}, {}", version.version, version.written_at)?;
            if let Some(actor) = &version.actor {
                write!(f, " by {actor}")?;
            }
            writeln!(f)?;
        }
        render::changes(f, &self.before, &self.after)
    }
}
