//! Sets, written in a fixed order.

use std::cmp::Ordering;

use serde::Serialize;
use serde::ser::{Error as _, Serializer};

/// Writes a set in the order of its elements, so that equal sets are equal JSON:
/// `#[serde(serialize_with = "metastore::sorted")]`.
///
/// Fields of a collection's own struct do not need it: a `HashSet` there, also within an `Option`,
/// a list or a map, is always stored in order. The derive does not see nested types: use this
/// function for sets in nested structs and enums, and for types that are sets under another name.
///
/// ```
/// use std::collections::HashSet;
///
/// #[derive(serde::Serialize)]
/// struct Nested {
///     #[serde(serialize_with = "metastore::sorted")]
///     tags: HashSet<u32>,
/// }
///
/// let nested = Nested { tags: HashSet::from([10, 9, 11]) };
/// assert_eq!(serde_json::to_string(&nested)?, r#"{"tags":[9,10,11]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// If an element cannot be written.
pub fn sorted<'a, C: ?Sized, E, S>(set: &'a C, serializer: S) -> Result<S::Ok, S::Error>
where
    &'a C: IntoIterator<Item = &'a E>,
    E: Serialize + 'a,
    S: Serializer,
{
    let text = |element| serde_json::to_string(element).map(|text| (text, element));
    let elements: Result<Vec<(String, &E)>, _> = set.into_iter().map(text).collect();
    let mut elements = elements.map_err(S::Error::custom)?;
    elements.sort_by(|(a, _), (b, _)| order(a, b));
    serializer.collect_seq(elements.into_iter().map(|(_, element)| element))
}

/// The order of two JSON texts in a set: numbers first, by their value.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
    number(a).total_cmp(&number(b)).then_with(|| a.cmp(b))
}
