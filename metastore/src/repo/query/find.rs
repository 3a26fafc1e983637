//! One call of the script that walks an index.

use super::builder::Query;
use super::order::Sorting;
use super::plan::Plan;
use super::segments::joined;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Interval;
use crate::index::condition::Part;
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{FIND, ScriptCall, code};

/// What a query returns for each item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Projection {
    Documents,
    Ids,
    Count,
}

impl Projection {
    fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Ids => "ids",
            Self::Count => "count",
        }
    }
}

/// The part of a page that one call asks for.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    /// The position to continue after; empty for the beginning.
    pub(super) position: &'a [u8],
    /// How many items to skip.
    pub(super) offset: usize,
    pub(super) limit: usize,
}

/// What one call of the script found.
pub(super) struct Found {
    pub(super) rows: Reply,
    pub(super) position: Vec<u8>,
    /// Whether more entries may follow.
    pub(super) more: bool,
    /// How many items are still to be skipped.
    pub(super) skip: usize,
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    /// Reads one slice. If more items have expired than one call removes, the call is repeated.
    pub(super) async fn find(
        &self,
        plan: &Plan,
        projection: Projection,
        slice: Slice<'_>,
        operation: &'static str,
    ) -> Result<Found> {
        let index = self.repo.address().index();
        let call = self.find_call(plan, projection, slice);
        loop {
            let reply = self.repo.store().reader().script(&call).await;
            let reply = reply.map_err(|fault| fault.into_error(operation).at(&index))?;
            let mut verdict = Verdict::from_reply(reply, operation)?;
            match verdict.code {
                code::PARTLY => {}
                code::INDEX_INCOMPLETE => {
                    let segment = verdict.text(operation)?;
                    let field = T::SCHEMA.field_of_segment(&segment);
                    let field = field.map_or(segment, ToOwned::to_owned);
                    let indexed = verdict.number(operation)?;
                    let items = verdict.number(operation)?;
                    let kind = ErrorKind::IndexIncomplete { field, indexed, items };
                    return Err(Error::new(operation, kind).at(index));
                }
                _ => return Found::from_verdict(verdict, operation),
            }
        }
    }

    fn find_call(&self, plan: &Plan, projection: Projection, slice: Slice<'_>) -> ScriptCall {
        let at = self.repo.address();
        let walked = plan.index.as_ref();
        let bounds = walked.map(|part| part.interval.clone()).unwrap_or_else(Interval::everything);
        let mut call = ScriptCall::new(&FIND)
            .key(at.index())
            .keys(self.repo.id_sets())
            .address(at)
            .arg(projection.as_str())
            .arg(walked.map(|part| part.segment.to_string()).unwrap_or_default())
            .arg(if plan.backwards { "1" } else { "0" })
            .arg(bounds.lower)
            .arg(bounds.upper)
            .arg(slice.position.to_vec())
            .int(slice.offset as u64)
            .int(slice.limit as u64)
            .arg(joined(&self.derived))
            .int(plan.complete.len() as u64);
        for segment in &plan.complete {
            call = call.arg(segment.to_string());
        }
        for Part { segment, interval } in &plan.filters {
            call = call.arg(segment.to_string());
            call = call.arg(interval.lower.clone()).arg(interval.upper.clone());
        }
        call
    }
}

impl Found {
    fn from_verdict(mut verdict: Verdict, operation: &'static str) -> Result<Self> {
        let (Some(rows), Some(position), Some(more), Some(skip)) = (
            verdict.rest.next(),
            verdict.rest.next().and_then(Reply::into_data),
            verdict.rest.next(),
            verdict.rest.next(),
        ) else {
            return Err(unexpected(operation, &"too few parts"));
        };
        let skip = skip.as_u64().and_then(|skip| usize::try_from(skip).ok());
        Ok(Self {
            rows,
            position: position.to_vec(),
            more: more.as_u64() == Some(1),
            skip: skip.unwrap_or_default(),
        })
    }
}
