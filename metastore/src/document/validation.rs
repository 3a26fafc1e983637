//! Validation of a document before each write.

use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::document::Document;
use crate::error::{Error, ErrorKind};
use crate::error::{Violation, Violations};
use crate::json::tree::{elements, members};
use crate::schema::FieldSchema;

/// Validates a document by its own rules.
pub(crate) fn validate<T: Document>(document: &T, operation: &'static str) -> Result<(), Error> {
    let Err(errors) = document.validate() else { return Ok(()) };
    // The names of nested fields and the keys of maps are only known from the JSON, so the refused
    // document is serialised once; no part of its values goes further. As text, since that keeps
    // the order in which a map hands out its entries, which is how the rules count them.
    let json = serde_json::to_string(document).unwrap_or_default();
    let mut found = Vec::new();
    for (field, kind) in errors.errors() {
        let (path, value) = top_level(T::SCHEMA.fields, field, &json);
        collect(kind, &path, value, &mut found);
    }
    Err(Error::new(operation, ErrorKind::Validation(Violations::new(found))))
}

/// Top-level fields have exact names, because the derive read serde's renames.
fn top_level<'v>(fields: &[FieldSchema], rust: &str, json: &'v str) -> (String, &'v str) {
    match fields.iter().find(|field| field.rust_name == rust.trim_start_matches("r#")) {
        Some(FieldSchema { json_name: Some(name), .. }) => ((*name).to_owned(), member(json, name)),
        // A flattened field's own fields stand one level up; `__all__` is the document itself.
        Some(FieldSchema { json_name: None, .. }) => (String::new(), json),
        None if rust == "__all__" => (String::new(), json),
        None => (rust.to_owned(), ""),
    }
}

/// The JSON of a member; empty if there is none.
fn member<'v>(json: &'v str, name: &str) -> &'v str {
    let members = members(json).unwrap_or_default();
    members.into_iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

/// An element of a list or an entry of a map by its position, with the path there.
fn nth<'v>(json: &'v str, position: usize, path: &str) -> (String, &'v str) {
    if json.starts_with('{')
        && let Some((key, value)) = members(json).unwrap_or_default().into_iter().nth(position)
    {
        return (format!("{path}.{key}"), value);
    }
    let elements = elements(json).unwrap_or_default();
    (format!("{path}[{position}]"), elements.get(position).copied().unwrap_or_default())
}

fn collect(kind: &ValidationErrorsKind, path: &str, json: &str, found: &mut Vec<Violation>) {
    match kind {
        ValidationErrorsKind::Field(errors) => found.extend(errors.iter().map(|error| Violation {
            path: path.to_owned(),
            code: error.code.clone().into_owned(),
            message: describe(error),
        })),
        ValidationErrorsKind::Struct(errors) => nested(errors, path, json, found),
        ValidationErrorsKind::List(items) => {
            for (position, errors) in items {
                let (path, json) = nth(json, *position, path);
                nested(errors, &path, json, found);
            }
        }
    }
}

fn nested(errors: &ValidationErrors, path: &str, json: &str, found: &mut Vec<Violation>) {
    for (field, kind) in errors.errors() {
        // The second is what a list within a list, or a map, is put under.
        if field == "__all__" || field == "_tmp_validator" {
            collect(kind, path, json, found);
            continue;
        }
        let name = serialised_name(field, json);
        let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(kind, &inner, member(json, &name), found);
    }
}

/// The name in the JSON that belongs to a nested Rust field: the same, or the same in another case
/// style, which is what `rename_all` makes. A nested field renamed to another word keeps its Rust
/// name, since nothing at run time knows it.
fn serialised_name(rust: &str, json: &str) -> String {
    let rust = rust.trim_start_matches("r#");
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let members = members(json).unwrap_or_default();
    let mut names = members.iter().map(|(name, _)| &**name);
    if names.clone().any(|name| name == rust) {
        return rust.to_owned();
    }
    let wanted = plain(rust);
    names.find(|name| plain(name) == wanted).unwrap_or(rust).to_owned()
}

/// The message of a rule. Of the parameters only the bounds of lengths and ranges are
/// shown: others, such as `value` or `must_match`'s `other`, hold what the user typed.
fn describe(error: &ValidationError) -> String {
    if let Some(message) = &error.message {
        return message.clone().into_owned();
    }
    let bound = |name: &str| error.params.get(name).filter(|value| value.is_number());
    let mut bounds = Vec::new();
    for (name, words) in [
        ("min", "at least"),
        ("max", "at most"),
        ("equal", "exactly"),
        ("exclusive_min", "more than"),
        ("exclusive_max", "less than"),
    ] {
        if let Some(value) = bound(name) {
            bounds.push(format!("{words} {value}"));
        }
    }
    let bounds = bounds.join(" and ");
    match (&*error.code, bounds.as_str()) {
        ("length", "") => "has a wrong length".to_owned(),
        ("length", bounds) => format!("must have a length of {bounds}"),
        ("range", "") => "is out of range".to_owned(),
        ("range", bounds) => format!("must be {bounds}"),
        ("email", _) => "must be an e-mail address".to_owned(),
        ("url", _) => "must be a URL".to_owned(),
        ("required", _) => "must be given".to_owned(),
        ("must_match", _) => "must match the other field".to_owned(),
        (code, _) => format!("breaks the rule `{code}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_are_found_in_any_case_style() {
        let json = r#"{"zipCode": 1, "STREET_NAME": 2, "city": 3}"#;
        assert_eq!(serialised_name("zip_code", json), "zipCode");
        assert_eq!(serialised_name("street_name", json), "STREET_NAME");
        assert_eq!(serialised_name("city", json), "city");
        assert_eq!(serialised_name("r#type", json), "type");
    }

    #[test]
    fn the_value_is_in_no_message() {
        let mut error = ValidationError::new("length");
        error.add_param("min".into(), &3);
        error.add_param("value".into(), &"s3cret");
        assert_eq!(describe(&error), "must have a length of at least 3");
        let mut error = ValidationError::new("must_match");
        error.add_param("other".into(), &"s3cret");
        assert!(!describe(&error).contains("s3cret"));
    }
}
