//! From field, operator and value in text to what a typed query is made of.

use serde_json::Value;

use super::erased::{mutation, transformation};
use super::query::{DynamicQuery, Filter, SortOrder};
use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Condition;
use crate::index::DynamicField;
use crate::index::field::{element, segment, single, something};
use crate::index::{FieldValue, Interval};
use crate::key::Segment;
use crate::repo::Repo;
use crate::repo::query::{Query, Sorted};
use crate::schema::IndexKind;

/// What every index can do.
const PLAIN: [&str; 4] = ["eq", "is_none", "is_some", "contains"];

/// What only an index with `range` can do.
const RANGE: [&str; 5] = ["between", "at_least", "at_most", "greater_than", "less_than"];

/// The typed query that a selection describes.
pub(super) fn query<'a, T: Collection>(
    repo: &'a Repo<T>,
    selection: &DynamicQuery,
    operation: &'static str,
) -> Result<Query<'a, T, Sorted>> {
    let mut query = repo.list();
    for filter in &selection.filters {
        query = query.and(condition(filter, operation)?);
    }
    let mut query = match &selection.order {
        None => query.into_sorted(),
        Some(SortOrder::NewestFirst) => query.newest_first().into_sorted(),
        Some(SortOrder::OldestFirst) => query.oldest_first().into_sorted(),
        Some(SortOrder::AscendingBy(field)) => {
            query.by_value(ranged::<T>(field, operation)?, false)
        }
        Some(SortOrder::DescendingBy(field)) => {
            query.by_value(ranged::<T>(field, operation)?, true)
        }
    };
    if let Some(user) = &selection.owned_by {
        query = query.owned_by(user.as_str());
    }
    for name in &selection.with_mutations {
        let name = mutation::<T>(name, operation)?.name();
        query = query.with_derived(Segment::Mutation(name.to_owned()));
    }
    for name in &selection.with_transformations {
        let name = transformation::<T>(name, operation)?.name();
        query = query.with_derived(Segment::Transformation(name.to_owned()));
    }
    if let Some(offset) = selection.offset {
        query = query.offset(offset);
    }
    if let Some(limit) = selection.limit {
        query = query.limit(limit);
    }
    if let Some(cursor) = &selection.after {
        query = query.after(cursor);
    }
    Ok(query)
}

fn condition<T: Collection>(filter: &Filter, operation: &'static str) -> Result<Condition<T>> {
    let Filter { field: name, operator, value } = filter;
    if !PLAIN.contains(&operator.as_str()) && !RANGE.contains(&operator.as_str()) {
        let known = PLAIN.into_iter().chain(RANGE);
        return Err(Error::unknown_name(operation, "operator", operator, known));
    }
    let field = index_of::<T>(name, operation)?;
    let kind = field.kind();
    if RANGE.contains(&operator.as_str()) && kind != IndexKind::Range {
        let known = PLAIN.join(", ");
        let reason = format!("needs `#[index(range)]`; its index can do {known}");
        return Err(invalid(operation, name, operator, &reason));
    }
    let own = || segment(field.name(), kind);
    let encode = |value: &Value| -> Result<FieldValue> {
        field.encode(value).map_err(|reason| invalid(operation, name, operator, &reason))
    };
    let one = |value: &Value| Ok::<_, Error>(single(encode(value)?));
    let none = || match field.encode(&Value::Null).map(single) {
        Ok(Ok(none)) if none == b"0" => Ok(none),
        _ => Err(invalid(operation, name, operator, "the field always has a value")),
    };
    let (segment, interval) = match operator.as_str() {
        "eq" => (own(), one(value)?.map(|value| Interval::exactly(&value))),
        "is_none" | "is_some" if !value.is_null() => {
            return Err(invalid(operation, name, operator, "takes no value"));
        }
        "is_none" => (own(), Ok(Interval::exactly(&none()?))),
        "is_some" => (own(), something(&none()?)),
        "contains" => {
            // A list of the element alone is read as the field's type, and so is the element.
            let list = Value::Array(vec![value.clone()]);
            let element = element(encode(&list)?);
            (Segment::Each(field.name().to_owned()), element.map(|value| Interval::exactly(&value)))
        }
        "between" => {
            let Some([from, to]) = value.as_array().map(Vec::as_slice) else {
                return Err(invalid(operation, name, operator, "takes a list of two values"));
            };
            let (from, to) = (one(from)?, one(to)?);
            (own(), from.and_then(|from| to.map(|to| Interval::between(&from, &to))))
        }
        "at_least" | "greater_than" => {
            let included = operator == "at_least";
            (own(), one(value)?.map(|value| Interval::from(&value, included)))
        }
        _ => {
            let included = operator == "at_most";
            (own(), one(value)?.map(|value| Interval::up_to(&value, included)))
        }
    };
    Ok(Condition::one(field.name(), segment, interval))
}

/// The index of a field, or why there is none.
pub(super) fn index_of<T: Collection>(
    name: &str,
    operation: &'static str,
) -> Result<&'static dyn DynamicField<T>> {
    if let Some(field) = T::INDEXES.iter().find(|field| field.name() == name) {
        return Ok(*field);
    }
    if !T::SCHEMA.fields.iter().any(|field| field.json_name == Some(name)) {
        let known = T::SCHEMA.fields.iter().filter_map(|field| field.json_name);
        return Err(Error::unknown_name(operation, "field", name, known));
    }
    let indexed: Vec<_> = T::INDEXES.iter().map(|field| field.name()).collect();
    let has = if indexed.is_empty() { "no field has one".into() } else { indexed.join(", ") };
    let message = format!("`{name}` has no index to find items by; those that have: {has}");
    Err(Error::new(operation, ErrorKind::InvalidArgument(message)))
}

/// The index that gives a field's order.
fn ranged<T: Collection>(name: &str, operation: &'static str) -> Result<Segment> {
    let field = index_of::<T>(name, operation)?;
    if field.kind() != IndexKind::Range {
        let message = format!("to order by `{name}` needs `#[index(range)]` on it");
        return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
    }
    Ok(segment(field.name(), field.kind()))
}

fn invalid(operation: &'static str, field: &str, operator: &str, reason: &str) -> Error {
    let message = format!("`{field}` {operator}: {reason}");
    Error::new(operation, ErrorKind::InvalidArgument(message))
}
