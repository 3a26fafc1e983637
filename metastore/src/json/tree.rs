//! A parsed JSON text whose numbers stay text: `serde_json::Value` does not hold integers of more
//! than 64 bits, so two texts that differ only there would compare as equal.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The deepest nesting, the same as that of `serde_json`.
const MAX_DEPTH: usize = 128;

/// A JSON value. Two are equal regardless of the order of members and of escapes in strings.
/// Numbers are compared as they are written: `1`, `1.0` and `1e0` differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    /// Sorted by name. Of members with the same name, the last one.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        let json: &RawValue = serde_json::from_str(json)?;
        Self::of(json.get(), 0)
    }

    /// Parses a text that holds exactly one JSON value.
    fn of(json: &'a str, depth: usize) -> Result<Self, serde_json::Error> {
        if depth > MAX_DEPTH {
            return Err(serde_json::Error::custom("nested too deep"));
        }
        Ok(match json.as_bytes().first() {
            Some(b'{') => {
                let mut object = Vec::new();
                for (name, value) in members(json)? {
                    object.push((name, Self::of(value, depth + 1)?));
                }
                // Stable, so the last of the same name stays the last.
                object.sort_by(|(a, _), (b, _)| a.cmp(b));
                object.reverse();
                object.dedup_by(|(a, _), (b, _)| a == b);
                object.reverse();
                Self::Object(object)
            }
            Some(b'[') => {
                let list = elements(json)?;
                Self::List(
                    list.into_iter().map(|e| Self::of(e, depth + 1)).collect::<Result<_, _>>()?,
                )
            }
            Some(b'"') => Self::Text(text(json)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(json),
        })
    }
}

/// As JSON on one line.
impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A string always serialises.
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => fmt::Display::fmt(value, f),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(elements) => {
                f.write_str("[")?;
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    fmt::Display::fmt(element, f)?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (at, (name, member)) in members.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{}:{member}", quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Whether two JSON texts are equal as [`Tree`]s. Invalid JSON is compared byte for byte.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || matches!((Tree::parse(a), Tree::parse(b)), (Ok(a), Ok(b)) if a == b)
}

/// The members of a JSON object in the order in which they are written.
pub(crate) fn members(json: &str) -> Result<Vec<(Cow<'_, str>, &str)>, serde_json::Error> {
    serde_json::from_str::<Members<'_>>(json).map(|members| members.0)
}

/// The elements of a JSON array.
pub(crate) fn elements(json: &str) -> Result<Vec<&str>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_str(json)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// The path of the innermost value that has this byte of the text.
pub(super) fn path_at(json: &str, offset: usize) -> String {
    let mut path = String::new();
    let mut inner = json;
    // The position of a slice within the text follows from its address.
    let has = |part: &str| {
        let start = part.as_ptr() as usize - json.as_ptr() as usize;
        (start..start + part.len()).contains(&offset)
    };
    loop {
        let member = members(inner).unwrap_or_default().into_iter().find(|(_, value)| has(value));
        if let Some((name, value)) = member {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&name);
            inner = value;
            continue;
        }
        let elements = elements(inner).unwrap_or_default();
        let Some((at, value)) = elements.into_iter().enumerate().find(|(_, value)| has(value))
        else {
            return path;
        };
        path.push_str(&format!("[{at}]"));
        inner = value;
    }
}

fn text(json: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str::<Name<'_>>(json).map(|name| name.0)
}

/// Text that is borrowed from the JSON, except where it holds an escape.
#[derive(Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name.0, value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn numbers_are_compared_as_they_are_written_and_everything_else_by_its_meaning() {
        for (a, b) in [
            (r#"{"a":1,"b":[{"c":2,"d":3}]}"#, r#" {"b" : [ {"d":3, "c":2} ] ,"a":1 } "#),
            (r#""\u00e4\/""#, r#""ä/""#),
            (r#"{"\u0061":null}"#, r#"{"a":null}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            ("[]", "[ ]"),
        ] {
            assert!(same(a, b), "{a} and {b}");
        }
        for (a, b) in [
            ("100000000000000000012", "100000000000000000021"),
            ("1.0", "1"),
            ("100", "1E2"),
            ("-0.0", "0.0"),
            ("1", "\"1\""),
            ("[1,2]", "[2,1]"),
            ("[]", "{}"),
            ("[[]]", "[]"),
            ("null", "false"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
            (r#""\ud800""#, r#""\ud801""#),
        ] {
            assert!(!same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn a_place_in_a_text_has_a_path() {
        let json = r#"{"a": {"b": [1, 2.5]}, "c": 3}"#;
        assert_eq!(path_at(json, json.find("2.5").unwrap() + 1), "a.b[1]");
        assert_eq!(path_at(json, json.find('3').unwrap()), "c");
        assert_eq!(path_at(json, 0), "");
    }

    #[test]
    fn a_hostile_depth_is_an_error_and_no_stack_overflow() {
        assert!(Tree::parse(&("[".repeat(100_000) + &"]".repeat(100_000))).is_err());
        assert!(Tree::parse(&("[".repeat(100) + &"]".repeat(100))).is_ok());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,6}|[\0-\u{20}\"\\\\]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab\"]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn two_values_are_the_same_if_serde_json_says_so(a in json(), b in json()) {
            let pretty = serde_json::to_string_pretty(&a).unwrap();
            prop_assert!(same(&a.to_string(), &pretty));
            prop_assert_eq!(same(&a.to_string(), &b.to_string()), a == b);
        }
    }
}
