//! Queries of the dynamic API, from JSON or from a builder.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::cursor::Cursor;

/// Which items to find, in which order, and how many: a [`Query`](crate::Query) without types.
///
/// Without a filter it matches all items. It deserializes from JSON:
///
/// ```
/// use metastore::DynamicQuery;
/// use serde_json::json;
///
/// let query: DynamicQuery = serde_json::from_value(json!({
///     "where": [
///         {"field": "country", "operator": "eq", "value": "fr"},
///         {"field": "total", "operator": "between", "value": [1000, 5000]},
///         {"field": "coupon", "operator": "is_none"}
///     ],
///     "order": {"descending_by": "total"},
///     "limit": 20
/// }))?;
/// let same = DynamicQuery::new()
///     .filter("country", "eq", "fr")
///     .filter("total", "between", [1000, 5000])
///     .filter("coupon", "is_none", ())
///     .descending_by("total")
///     .limit(20);
/// assert_eq!(query, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DynamicQuery {
    /// The conditions that each item must meet.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Only items that this user created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
    /// Only items that have stored results of these mutations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_mutations: Vec<String>,
    /// Only items that have results of these transformations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_transformations: Vec<String>,
    /// The order; see [`Repo::find`](crate::Repo::find) for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<SortOrder>,
    /// How many items to skip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// The maximum number of items, from 1 to 1,000. Default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The cursor of a page of the same query, to continue after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

/// A condition on one indexed field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Filter {
    /// The field's name in JSON.
    pub field: String,
    /// `eq`, `is_none`, `is_some` or `contains`; and with `#[index(range)]` also `between`, whose
    /// value is a list of two, `at_least`, `at_most`, `greater_than` or `less_than`.
    pub operator: String,
    /// The value to compare with; none for `is_none` and `is_some`.
    #[serde(default)]
    pub value: Value,
}

/// The order of the items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SortOrder {
    /// The newest item first.
    NewestFirst,
    /// The oldest item first.
    OldestFirst,
    /// By the values of a field with `#[index(range)]`, the smallest first.
    AscendingBy(String),
    /// By the values of a field with `#[index(range)]`, the greatest first.
    DescendingBy(String),
}

impl DynamicQuery {
    /// A query that matches all items.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition; see [`Filter`].
    #[must_use]
    pub fn filter(mut self, field: &str, operator: &str, value: impl Into<Value>) -> Self {
        let (field, operator) = (field.to_owned(), operator.to_owned());
        self.filters.push(Filter { field, operator, value: value.into() });
        self
    }

    /// Only items that this user created.
    #[must_use]
    pub fn owned_by(mut self, user: &str) -> Self {
        self.owned_by = Some(user.to_owned());
        self
    }

    /// Only items that have a stored result of this mutation.
    #[must_use]
    pub fn with_mutation(mut self, mutation: &str) -> Self {
        self.with_mutations.push(mutation.to_owned());
        self
    }

    /// Only items that have a result of this transformation.
    #[must_use]
    pub fn with_transformation(mut self, transformation: &str) -> Self {
        self.with_transformations.push(transformation.to_owned());
        self
    }

    /// The newest item first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.order = Some(SortOrder::NewestFirst);
        self
    }

    /// The oldest item first.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.order = Some(SortOrder::OldestFirst);
        self
    }

    /// In the order of a field's values, the smallest first.
    #[must_use]
    pub fn ascending_by(mut self, field: &str) -> Self {
        self.order = Some(SortOrder::AscendingBy(field.to_owned()));
        self
    }

    /// In the order of a field's values, the greatest first.
    #[must_use]
    pub fn descending_by(mut self, field: &str) -> Self {
        self.order = Some(SortOrder::DescendingBy(field.to_owned()));
        self
    }

    /// Skips this many items.
    #[must_use]
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The maximum number of items, from 1 to 1,000. Default: 50.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Continues where a page of the same query ended.
    #[must_use]
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.after = Some(cursor.clone());
        self
    }
}
