//! Fields that a stored document has and its type does not know, at any depth.
//!
//! While two versions of a service run side by side, the older one reads documents with fields that
//! only the newer one knows. Serde drops them, and the older one's next update would erase them. So
//! the stored text is kept with a document that may have unknown fields, and a write copies the
//! fields that it does not change from there.

mod extra;
mod graft;
mod watch;

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

pub(crate) use extra::{Extra, extras, push_name};
pub(crate) use graft::graft;
use watch::Watch;

/// The stored text of a document, if its type may not know all of it or the text is at hand.
#[derive(Clone, Debug, Default)]
pub(crate) enum UnknownFields {
    /// The type knows all fields.
    #[default]
    None,
    /// The type knows all fields, and writes the document as this text, which was just stored.
    Written(Bytes),
    /// The text may have unknown fields.
    Possible(Arc<str>),
    /// The text does not decode as the type; the document is its replacement.
    Unreadable(Arc<str>),
}

impl UnknownFields {
    /// The text that may have unknown fields.
    pub(crate) fn possible(&self) -> Option<&str> {
        match self {
            Self::Possible(stored) => Some(stored),
            Self::None | Self::Written(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Reads a document, and keeps its text if its type may not know all of it.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    json: &'de str,
) -> Result<(T, UnknownFields), serde_json::Error> {
    let passed = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_str(json);
    let document = T::deserialize(Watch { inner: &mut reader, passed: &passed })?;
    reader.end()?;
    let unknown =
        if passed.get() { UnknownFields::Possible(json.into()) } else { UnknownFields::None };
    Ok((document, unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::value::RawValue;
    use std::collections::HashMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Known {
        name: String,
        #[serde(default, alias = "größe")]
        size: Option<u32>,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(default)]
        by_name: HashMap<String, Line>,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        n: u128,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    enum Kind {
        #[default]
        Plain,
        Round(Line),
        Square {
            side: Option<Line>,
        },
    }

    fn may_hold_unknown<T: DeserializeOwned>(json: &str) -> bool {
        read::<T>(json).unwrap().1.possible().is_some()
    }

    #[test]
    fn a_field_that_is_passed_over_is_noticed_on_every_level() {
        for json in [
            r#"{"name":"x","new":1}"#,
            r#"{"name":"x","lines":[{"n":1},{"n":2,"new":3}]}"#,
            r#"{"name":"x","by_name":{"a":{"n":1,"new":{}}}}"#,
            r#"{"name":"x","kind":{"Round":{"n":1,"new":{}}}}"#,
            r#"{"name":"x","kind":{"Square":{"side":{"n":1,"new":null}}}}"#,
        ] {
            assert!(may_hold_unknown::<Known>(json), "{json}");
        }
        for json in [
            r#"{"name":"x","größe":3,"lines":[{"n":340282366920938463463374607431768211455}]}"#,
            r#"{"n\u0061me":"x","by_name":{"a":{"n":1}},"kind":{"Square":{"side":{"n":1}}}}"#,
        ] {
            assert!(!may_hold_unknown::<Known>(json), "{json}");
        }
    }

    #[test]
    fn what_picks_its_fields_from_a_buffer_may_pass_over_some() {
        #[derive(Serialize, Deserialize)]
        struct Outer {
            #[serde(flatten)]
            size: Size,
        }
        #[derive(Serialize, Deserialize)]
        struct Size {
            n: u8,
        }
        #[derive(Serialize, Deserialize)]
        #[serde(untagged)]
        enum Any {
            Size(Size),
        }
        assert!(may_hold_unknown::<Outer>(r#"{"n":1}"#));
        assert!(may_hold_unknown::<Vec<Any>>(r#"[{"n":1}]"#));
        assert!(may_hold_unknown::<Vec<serde_json::Value>>("[1]"));
    }

    #[test]
    fn text_that_stays_text_is_read_as_by_serde_json() {
        #[derive(Serialize, Deserialize)]
        struct Raw {
            raw: Box<RawValue>,
        }
        let (raw, unknown) = read::<Raw>(r#"{"raw":{"b":1e400, "a":[]}}"#).unwrap();
        assert_eq!((raw.raw.get(), unknown.possible()), (r#"{"b":1e400, "a":[]}"#, None));
    }

    #[test]
    fn errors_are_those_of_serde() {
        for (json, expected) in [
            (r#"{"size":1}"#, "missing field `name`"),
            (r#"{"name":"a","name":"b"}"#, "duplicate field `name`"),
            (r#"{"name":7}"#, "invalid type: integer `7`, expected a string"),
            ("[]", "invalid length 0, expected struct Known with 5 elements"),
            (r#"{"name":"x"} trailing"#, "trailing characters"),
        ] {
            let error = read::<Known>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
