//! Validation of JSON from outside before it is used.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::tree::Name;
use super::{Limits, TOO_DEEP};
use crate::error::ErrorKind;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text, without a byte order mark and blanks around it, if it is JSON within the limits in
/// which no object has two members of the same name, and in which all texts and numbers can be
/// read.
pub(crate) fn checked(json: &[u8], limits: Limits) -> Result<&str, ErrorKind> {
    if json.len() > limits.bytes {
        return Err(ErrorKind::TooLarge { size: json.len(), limit: limits.bytes });
    }
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let text = std::str::from_utf8(json).map_err(|error| ErrorKind::InvalidJson {
        path: String::new(),
        message: format!("it is not UTF-8 from byte {} on", error.valid_up_to()),
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut path = String::new();
    let walk = Walk { path: &mut path, left: limits.depth };
    match walk.deserialize(&mut reader).and_then(|()| reader.end()) {
        Ok(()) => Ok(text.trim_ascii()),
        Err(error) => Err(refused(&error, path, limits)),
    }
}

fn refused(error: &serde_json::Error, path: String, limits: Limits) -> ErrorKind {
    let text = error.to_string();
    let message = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    if message == TOO_DEEP || message == "recursion limit exceeded" {
        return ErrorKind::TooDeep { limit: limits.depth };
    }
    let message = match message {
        TWICE => return ErrorKind::InvalidJson { path, message: TWICE.to_owned() },
        "number out of range" => "the number is too large; write it as a string",
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            "an unpaired surrogate: `\\ud800` to `\\udfff` come in pairs"
        }
        message => message,
    };
    let (line, column) = (error.line(), error.column());
    let message = format!("{message} (line {line}, column {column})");
    ErrorKind::InvalidJson { path, message }
}

const TWICE: &str = "two members of an object have this name; remove one";

/// Reads a value and discards it. On an error, `path` is where it occurred.
struct Walk<'p> {
    path: &'p mut String,
    /// The number of further levels that may be opened.
    left: usize,
}

impl Walk<'_> {
    fn inside<E: serde::de::Error>(&mut self) -> Result<Walk<'_>, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| E::custom(TOO_DEEP))?;
        Ok(Walk { path: self.path, left })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! visit {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    visit! {
        visit_bool(bool);
        visit_i64(i64);
        visit_u64(u64);
        visit_f64(f64);
        visit_str(&str);
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let (path, left) = (inside.path, inside.left);
        let length = path.len();
        for position in 0.. {
            path.push_str(&format!("[{position}]"));
            let more = list.next_element_seed(Walk { path, left })?;
            path.truncate(length);
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let (path, left) = (inside.path, inside.left);
        let length = path.len();
        let mut names = HashSet::new();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if length > 0 {
                path.push('.');
            }
            path.push_str(&name);
            if !names.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
            map.next_value_seed(Walk { path, left })?;
            path.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sound_json_is_refused_with_its_place() {
        let limits = Limits { bytes: 1_000, depth: 4 };
        let refused = |json: &[u8]| checked(json, limits).unwrap_err().to_string();
        for (json, expected) in [
            ("", "the JSON does not fit: EOF while parsing a value (line 1, column 0)"),
            ("yes", "the JSON does not fit: expected value (line 1, column 1)"),
            (
                r#"{"a":{"b":[{"c":1,"\u0063":2}]}}"#,
                "the JSON does not fit at `a.b[0].c`: two members of an object have this name; remove one",
            ),
            (
                r#"{"a":[0,"\ud83d"]}"#,
                "the JSON does not fit at `a[1]`: an unpaired surrogate: `\\ud800` to `\\udfff` come in \
                 pairs (line 1, column 16)",
            ),
            (
                r#"{"a":1e400}"#,
                "the JSON does not fit at `a`: the number is too large; write it as a string (line 1, column 10)",
            ),
            ("[[[[[]]]]]", "nested deeper than the limit of 4 levels"),
            ("{}{}", "the JSON does not fit: trailing characters (line 1, column 3)"),
        ] {
            assert_eq!(refused(json.as_bytes()), expected, "{json}");
        }
        assert_eq!(refused(b"\"\xff\""), "the JSON does not fit: it is not UTF-8 from byte 1 on");
        assert_eq!(refused(&[b' '; 1_001]), "1001 bytes of JSON are over the limit of 1000");
        let deep = Limits { bytes: 1 << 20, depth: usize::MAX };
        let deep = checked("[".repeat(100_000).as_bytes(), deep).unwrap_err();
        assert!(matches!(deep, ErrorKind::TooDeep { .. }));
    }

    #[test]
    fn what_is_sound_stays_as_it_is() {
        let limits = Limits { bytes: 1_000, depth: 4 };
        for json in [
            "[[[[]]]]",
            r#"{"a":-0,"b":1E2,"c":340282366920938463463374607431768211455,"d":"\ud83d\ude00"}"#,
        ] {
            let with_mark = ["\u{feff} ", json, "\n"].concat();
            assert_eq!(checked(with_mark.as_bytes(), limits).unwrap(), json);
        }
    }
}
