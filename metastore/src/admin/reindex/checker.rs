//! What the steps of a check share.

use crate::document::Document;
use crate::repo::Repo;

pub(super) struct Checker<'a, T: Document> {
    pub(super) repo: &'a Repo<T>,
    pub(super) operation: &'static str,
    /// Whether to repair what is wrong.
    pub(super) repair: bool,
}

impl<T: Document> Checker<'_, T> {
    /// Whether to repair, as scripts read it.
    pub(super) fn repair_arg(&self) -> &'static str {
        if self.repair { "1" } else { "0" }
    }
}
