//! The rows of one page, collected by as many script calls as the page needs.

use super::builder::{Query, Start};
use super::find::{Found, Projection, Slice};
use super::order::Sorting;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::redis::command::{Reply, unexpected};
use crate::store::cursor::{Cursor, check_offset};

/// The maximum number of items on a page, so that a reply and the caller's memory stay small.
const MAX_LIMIT: usize = 1_000;

/// A page ends after this many bytes of documents even if it is not full, so that memory stays
/// bounded.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

/// The rows of one page, as the server returned them.
pub(crate) struct Rows {
    pub(super) rows: Vec<Reply>,
    /// The number of replies in each row.
    width: usize,
    /// The identity of the query, which its cursors are bound to.
    query: Vec<u8>,
    /// Where the page ended; `None` if nothing follows.
    pub(super) position: Option<Vec<u8>>,
    /// The bytes of all documents, if the page ended early because of them.
    pub(super) over_limit: Option<usize>,
}

impl Rows {
    /// Ids with the stored documents, or with the code that says why a document is missing.
    pub(crate) fn documents(self) -> impl Iterator<Item = (String, Reply)> {
        let mut parts = self.rows.into_iter();
        std::iter::from_fn(move || {
            let id = parts.next()?.into_data().unwrap_or_default();
            Some((String::from_utf8_lossy(&id).into_owned(), parts.next()?))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.width
    }
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    pub(crate) async fn rows(
        &self,
        projection: Projection,
        operation: &'static str,
    ) -> Result<Rows> {
        let invalid =
            |message: String| Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return invalid(format!("limit must be from 1 to {MAX_LIMIT}, not {}", self.limit));
        }
        check_offset(self.offset, operation)?;
        let plan = self.plan(operation)?;
        let query = self.identity(&plan);
        let mut position = match &self.start {
            Some(Start::Cursor(cursor)) => {
                self.repo.store().position(cursor, &query, operation).await?
            }
            Some(Start::Position(position)) => position.clone(),
            None => Vec::new(),
        };
        if !position.is_empty() && !plan.contains(&position) {
            let message = "the cursor lies outside the range of the query; start without a cursor";
            return invalid(message.to_owned());
        }
        let mut offset = self.offset;
        let width = if projection == Projection::Documents { 2 } else { 1 };
        let mut rows = Rows { rows: Vec::new(), width, query, position: None, over_limit: None };
        let mut bytes = 0;
        loop {
            let slice = Slice { position: &position, offset, limit: self.limit - rows.len() };
            let found = self.find(&plan, projection, slice, operation).await?;
            let Found { rows: found, position: end, more, skip } = found;
            let found = found.into_array().ok_or_else(|| unexpected(operation, &"no rows"))?;
            bytes += found.iter().map(Reply::len).sum::<usize>();
            rows.rows.extend(found);
            if !more {
                return Ok(rows);
            }
            let is_full = rows.len() >= self.limit;
            if is_full || (bytes > MAX_PAGE_BYTES && rows.len() > 0) {
                rows.position = Some(end);
                rows.over_limit = (!is_full).then_some(bytes);
                return Ok(rows);
            }
            (position, offset) = (end, skip);
        }
    }

    /// The cursor of the next page.
    pub(crate) async fn next_cursor(
        &self,
        rows: &Rows,
        operation: &'static str,
    ) -> Result<Option<Cursor>> {
        match &rows.position {
            Some(position) => {
                self.repo.store().cursor(&rows.query, position, operation).await.map(Some)
            }
            None => Ok(None),
        }
    }
}
