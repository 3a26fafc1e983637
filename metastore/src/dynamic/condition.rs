//! Converting a [`DynamicQuery`] to a typed query.

use serde_json::Value;

use super::lookup::{index_of, mutation, transformation};
use super::query::{DynamicQuery, Filter, SortOrder};
use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::index::field::{element, single, something};
use crate::index::{Condition, FieldValue, Interval, segment};
use crate::key::Segment;
use crate::repo::Repo;
use crate::repo::query::{Query, Sorted};
use crate::schema::IndexKind;

/// The operators of every index.
const PLAIN: [&str; 4] = ["eq", "is_none", "is_some", "contains"];

/// The operators of an index with `range`.
const RANGE: [&str; 5] = ["between", "at_least", "at_most", "greater_than", "less_than"];

pub(super) fn typed_query<'a, T: Collection>(
    repo: &'a Repo<T>,
    dynamic: &DynamicQuery,
    operation: &'static str,
) -> Result<Query<'a, T, Sorted>> {
    let mut query = repo.list();
    for filter in &dynamic.filters {
        query = query.and(condition(filter, operation)?);
    }
    let mut query = match &dynamic.order {
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
    if let Some(user) = &dynamic.owned_by {
        query = query.owned_by(user.as_str());
    }
    for name in &dynamic.with_mutations {
        let name = mutation::<T>(name, operation)?.name();
        query = query.with_derived(Segment::Mutation(name.to_owned()));
    }
    for name in &dynamic.with_transformations {
        let name = transformation::<T>(name, operation)?.name();
        query = query.with_derived(Segment::Transformation(name.to_owned()));
    }
    if let Some(offset) = dynamic.offset {
        query = query.offset(offset);
    }
    if let Some(limit) = dynamic.limit {
        query = query.limit(limit);
    }
    if let Some(cursor) = &dynamic.after {
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
        let reason = format!("needs `#[index(range)]`; its index supports {known}");
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
            // A list of only the element reads as the field's type, which converts the element.
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

/// The index that orders items by a field.
fn ranged<T: Collection>(name: &str, operation: &'static str) -> Result<Segment> {
    let field = index_of::<T>(name, operation)?;
    if field.kind() != IndexKind::Range {
        let message = format!("ordering by `{name}` needs `#[index(range)]` on the field");
        return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
    }
    Ok(segment(field.name(), field.kind()))
}

fn invalid(operation: &'static str, field: &str, operator: &str, reason: &str) -> Error {
    let message = format!("`{field}` {operator}: {reason}");
    Error::new(operation, ErrorKind::InvalidArgument(message))
}
