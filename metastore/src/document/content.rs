//! The JSON of a document: the members that its type writes, with sets sorted, and unknown fields.

use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::document::set::order;
use crate::document::unknown::{Extra, UnknownFields, extras, graft, read};
use crate::error::{Error, ErrorKind};
use crate::json::tree::{elements, members, same};
use crate::json::{Limits, describe, write_json};

/// Writes the members of the document's type.
///
/// The order of a `HashSet` differs between programs, so the sets in the document's own fields are
/// sorted: equal documents are equal texts.
pub(crate) fn write_own<T: Document>(
    out: &mut Vec<u8>,
    data: &T,
    limits: Limits,
    operation: &'static str,
) -> Result<(), Error> {
    let start = out.len();
    write_json(out, data, limits, operation)?;
    if T::SCHEMA.fields.iter().any(|field| field.set.is_some())
        && let Some(sorted) = with_sets_sorted::<T>(&out[start..])
    {
        out.truncate(start);
        out.extend_from_slice(sorted.as_bytes());
    }
    Ok(())
}

/// As [`write_own`], into a new buffer.
pub(crate) fn own<T: Document>(
    data: &T,
    limits: Limits,
    operation: &'static str,
) -> Result<Vec<u8>, Error> {
    let mut json = Vec::with_capacity(384);
    write_own(&mut json, data, limits, operation)?;
    Ok(json)
}

/// The unknown fields of a stored text.
pub(crate) fn unknown_in<'a, T: Document>(
    stored: &'a str,
    own: &[u8],
    limits: Limits,
    operation: &'static str,
) -> Vec<Extra<'a>> {
    let write = |document: &T| self::own(document, limits, operation).ok();
    let own = std::str::from_utf8(own).unwrap_or_default();
    extras(stored, own, |name| T::SCHEMA.writes(name), write)
}

/// The content of a document that was read, with its unknown fields.
pub(crate) fn content<T: Document>(
    data: &T,
    unknown: &UnknownFields,
    limits: Limits,
    operation: &'static str,
) -> Result<Vec<u8>, Error> {
    let own = own(data, limits, operation)?;
    if let Some(stored) = unknown.possible() {
        let extras = unknown_in::<T>(stored, &own, limits, operation);
        Ok(with_extras(&own, &own, &extras))
    } else {
        Ok(own)
    }
}

/// `after` with the unknown fields, placed by [`graft`].
pub(crate) fn with_extras(before: &[u8], after: &[u8], extras: &[Extra<'_>]) -> Vec<u8> {
    match (std::str::from_utf8(before), std::str::from_utf8(after)) {
        (Ok(before), Ok(after)) if !extras.is_empty() => graft(before, after, extras).into_bytes(),
        _ => after.to_vec(),
    }
}

/// Decodes a text with unknown fields; `None` if it is another document than the one that is to be
/// written.
pub(crate) fn reads_as<T: Document>(json: &str, own: &[u8], limits: Limits) -> Option<T> {
    let (document, _) = read::<T>(json).ok()?;
    let written = self::own(&document, limits, "read").ok()?;
    let text = |json| std::str::from_utf8(json).unwrap_or_default();
    (written == own || same(text(&written), text(own))).then_some(document)
}

/// Decodes the JSON that is to be written, as a proof that readers can. Not needed for types that
/// the derive knows to read back.
pub(crate) fn prove<T: DeserializeOwned>(json: &[u8], operation: &'static str) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| {
        let (path, message) = describe::<T>(json, &error);
        Error::new(operation, ErrorKind::Unreadable { path, message })
    })
}

fn with_sets_sorted<T: Document>(json: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(json).ok()?;
    let mut out = String::with_capacity(text.len());
    out.push('{');
    for (at, (name, value)) in members(text).ok()?.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(&name).ok()?);
        out.push(':');
        let field = T::SCHEMA.fields.iter().find(|field| field.json_name == Some(&*name));
        match field.and_then(|field| field.set) {
            Some(level) => sort(value, level, &mut out),
            None => out.push_str(value),
        }
    }
    out.push('}');
    Some(out)
}

/// Writes a value whose lists at this depth are sorted.
fn sort(json: &str, level: u8, out: &mut String) {
    if let (true, Ok(mut elements)) = (json.starts_with('['), elements(json)) {
        if level == 0 {
            elements.sort_by(|a, b| order(a, b));
        }
        out.push('[');
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if level == 0 {
                out.push_str(element);
            } else {
                sort(element, level - 1, out);
            }
        }
        out.push(']');
    } else if let (true, true, Ok(members)) = (level > 0, json.starts_with('{'), members(json)) {
        out.push('{');
        for (at, (name, value)) in members.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            // A string always serialises.
            out.push_str(&serde_json::to_string(&name).unwrap_or_default());
            out.push(':');
            sort(value, level - 1, out);
        }
        out.push('}');
    } else {
        out.push_str(json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sorted_where_they_are_and_lists_stay_as_they_are() {
        let sorted = |json: &str, level| {
            let mut out = String::new();
            sort(json, level, &mut out);
            out
        };
        assert_eq!(sorted(r#"["b","a",10,9,-1,[2,1]]"#, 0), r#"[-1,9,10,"a","b",[2,1]]"#);
        assert_eq!(sorted(r#"[[2,1],["b","a"]]"#, 1), r#"[[1,2],["a","b"]]"#);
        assert_eq!(sorted(r#"{"k\"":[2,1],"a":null}"#, 1), r#"{"k\"":[1,2],"a":null}"#);
        assert_eq!(sorted("null", 0), "null");
        assert_eq!(sorted(r#"{"b":1,"a":2}"#, 0), r#"{"b":1,"a":2}"#);
    }
}
