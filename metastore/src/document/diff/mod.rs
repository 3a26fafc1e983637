//! Differences between two versions of a document.

mod patch;
mod render;

use std::fmt;

use serde::Serialize;

use crate::document::item::VersionInfo;
use crate::json::text::Json;
use crate::json::tree::Tree;

/// The difference between two versions of an item, by [`Repo::diff`](crate::Repo::diff).
///
/// It displays as text, one change per line; multi-line strings are compared line by line:
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
/// For programs, use [`Diff::patch`] or serialise it. It compares the stored JSON, so unknown
/// fields are included. Numbers are compared and shown as they are written.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The version from which the changes start.
    pub from: VersionInfo,
    /// The version that they lead to.
    pub to: VersionInfo,
    patch: Json,
    #[serde(skip)]
    is_empty: bool,
    #[serde(skip)]
    before: Box<str>,
    #[serde(skip)]
    after: Box<str>,
}

impl Diff {
    /// Compares two documents, which are JSON.
    pub(crate) fn new(
        from: (VersionInfo, String),
        to: (VersionInfo, String),
    ) -> Result<Self, serde_json::Error> {
        let ((from, before), (to, after)) = (from, to);
        let (old, new) = (Tree::parse(&before)?, Tree::parse(&after)?);
        let (patch, is_empty) = (Json::from_text(patch::patch(&old, &new)), old == new);
        drop((old, new));
        Ok(Self { from, to, patch, is_empty, before: before.into(), after: after.into() })
    }

    /// The changes as a JSON Patch (RFC 6902): an array of operations that, applied to the older
    /// document, result in the newer one. Paths are relative to the document.
    ///
    /// For lists, it contains only the added, removed and changed elements. Where the operations on
    /// a list or an object would have more than 1 KiB and be longer than the new one itself, it is
    /// replaced as a whole, so a patch is never much longer than the newer document. The search for
    /// the fewest changes of lists stops after half a second; the patch is then correct, but may be
    /// longer.
    #[must_use]
    pub fn patch(&self) -> Json {
        self.patch.clone()
    }

    /// Whether the two versions have the same document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
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
        match (Tree::parse(&self.before), Tree::parse(&self.after)) {
            (Ok(before), Ok(after)) => render::changes(f, &before, &after),
            // Both were read when this was made.
            _ => Ok(()),
        }
    }
}
