//! The plan of a query: which index the server walks, and which conditions it checks for each item.

use super::builder::Query;
use super::order::{Order, Sorting};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::index::IndexValue;
use crate::index::Interval;
use crate::index::condition::Part;
use crate::key::Segment;

/// How the server evaluates a query.
pub(super) struct Plan {
    /// The index of a field to walk, and the interval in it; `None` for the index of all items.
    pub(super) index: Option<Part>,
    pub(super) backwards: bool,
    /// The conditions that each item is checked against.
    pub(super) filters: Vec<Part>,
    /// The indexes that must contain all items for the result to be complete.
    pub(super) complete: Vec<Segment>,
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    /// Chooses the index to walk.
    pub(super) fn plan(&self, operation: &'static str) -> Result<Plan> {
        if self.has_two_orders {
            let message =
                "the query has two orders, by creation and by a field; keep one".to_owned();
            return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        }
        let mut parts = self.parts(operation)?;
        let mut complete: Vec<Segment> = parts.iter().filter_map(counted_index).collect();
        let exact = parts.iter().position(|part| part.interval.exact);
        let (chosen, backwards) = match &self.order {
            Order::Natural => match (exact, parts.is_empty()) {
                (Some(exact), _) => (Some(exact), true),
                (None, false) => (Some(0), false),
                (None, true) => (None, true),
            },
            Order::Creation { newest_first } => (exact, *newest_first),
            Order::Value { segment, descending } => {
                let own = parts.iter().position(|part| part.segment == *segment);
                let own = own.unwrap_or_else(|| {
                    let part = Part { segment: segment.clone(), interval: Interval::everything() };
                    complete.extend(counted_index(&part));
                    parts.push(part);
                    parts.len() - 1
                });
                (Some(own), *descending)
            }
        };
        let index = match (chosen, self.derived.first()) {
            (Some(chosen), _) => Some(parts.remove(chosen)),
            (None, Some(derived)) => {
                Some(Part { segment: derived.clone(), interval: Interval::everything() })
            }
            (None, None) => None,
        };
        complete.sort();
        complete.dedup();
        Ok(Plan { index, backwards, filters: parts, complete })
    }

    /// The conditions on fields and on the owner; the one on the owner comes first.
    fn parts(&self, operation: &'static str) -> Result<Vec<Part>> {
        let mut parts = match &self.condition {
            Some(condition) => condition.clone().check(operation)?,
            None => Vec::new(),
        };
        if let Some(owner) = &self.owner {
            let owner = owner.clone().map_err(|error| Error::from(error).during(operation))?;
            // Text can always be indexed.
            let value = IndexValue::text(owner.as_str()).into_bytes().unwrap_or_default();
            let interval = Interval::exactly(&value);
            parts.insert(0, Part { segment: Segment::Owner, interval });
        }
        Ok(parts)
    }

    /// The bytes that cursors are bound to: equal for two queries with the same collection,
    /// conditions, owner and order.
    pub(super) fn identity(&self, plan: &Plan) -> Vec<u8> {
        let parts = (&plan.index, plan.backwards, &plan.filters);
        format!("{} {parts:?} {:?}", self.repo.address(), self.derived).into_bytes()
    }
}

impl Plan {
    /// Whether a position lies in the walked interval, so that continuing there returns no item
    /// outside of it.
    pub(super) fn contains(&self, position: &[u8]) -> bool {
        match &self.index {
            Some(part) if part.segment.is_by_value() => part.interval.contains(position),
            // Creation time, a space and an id.
            _ => position.iter().position(|byte| *byte == b' ').is_some_and(|at| {
                std::str::from_utf8(&position[..at])
                    .is_ok_and(|time| time.parse::<f64>().is_ok_and(f64::is_finite))
            }),
        }
    }
}

/// The index whose size shows whether all items are in it. The index of a list's elements does not
/// show it, but each list also has an entry in the field's own index. Not every item has an owner.
fn counted_index(part: &Part) -> Option<Segment> {
    match &part.segment {
        Segment::Owner | Segment::Mutation(_) | Segment::Transformation(_) => None,
        Segment::Each(field) => Some(Segment::By(field.clone())),
        other => Some(other.clone()),
    }
}
