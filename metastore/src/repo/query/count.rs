//! Counting items.

use super::builder::Query;
use super::find::{Projection, Slice};
use super::order::Sorting;
use crate::document::Document;
use crate::error::Result;
use crate::redis::command::unexpected;
use crate::repo::Repo;

const OPERATION: &str = "count";

/// The limit of a count: none, as a number that Lua holds exactly.
const UNLIMITED: usize = usize::MAX >> 11;

impl<T: Document> Repo<T> {
    /// Counts the items; expired ones do not count.
    ///
    /// One round trip; its cost does not grow with the number of items.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn count(&self) -> Result<u64> {
        self.list().count().await
    }
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    /// Counts the items that meet all conditions. The limit, the offset and a cursor are ignored.
    ///
    /// One round trip without a condition or with one condition on a field. With several, or with
    /// one on the result of a mutation or a transformation, one for each 1,000 entries of the
    /// walked index.
    ///
    /// # Errors
    ///
    /// As [`Query::page`].
    pub async fn count(self) -> Result<u64> {
        let plan = self.plan(OPERATION)?;
        let (mut total, mut position) = (0, Vec::new());
        loop {
            let slice = Slice { position: &position, offset: 0, limit: UNLIMITED };
            let found = self.find(&plan, Projection::Count, slice, OPERATION).await?;
            total += found.rows.as_u64().ok_or_else(|| unexpected(OPERATION, &found.rows))?;
            if !found.more {
                return Ok(total);
            }
            position = found.position;
        }
    }
}
