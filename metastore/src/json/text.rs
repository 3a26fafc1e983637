//! JSON as text, for callers without Rust types.

use std::borrow::Cow;
use std::fmt;
use std::ops::Index;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::input::checked;
use super::{Limits, write_json};
use crate::error::{Error, ErrorKind};

/// A JSON value as it is written: a document, patch or result in the [dynamic API](crate::Dynamic).
///
/// A [`Value`] holds whole numbers of 64 bits and floats. This holds the text, so a number of any
/// length is preserved. It serialises as that JSON; with `serde_json`, byte for byte.
///
/// As input, take the body of a request by [`Json::from_text`]: it is validated where it is used,
/// and refused there with the position if it is larger or deeper than the store's limits allow, has
/// two members of the same name in an object, or is not JSON. A byte order mark is skipped. `into`
/// converts a `Value` and everything that converts into a `Value`.
///
/// As output, index it, compare it with a `Value`, read it as a type of your own by
/// [`Json::read`], or print it.
///
/// ```
/// use metastore::Json;
/// use serde_json::json;
///
/// let json = Json::from_text(r#"{"wei": 100000000000000000012, "to": ["a"]}"#);
/// assert_eq!(json["to"], json!(["a"]));
/// assert_eq!(json.to_string(), r#"{"wei": 100000000000000000012, "to": ["a"]}"#);
/// ```
#[derive(Clone)]
pub struct Json(Repr);

#[derive(Clone)]
enum Repr {
    Text {
        text: Bytes,
        /// Parsed on first use.
        value: OnceLock<Value>,
    },
    Value(Value),
}

impl Json {
    /// JSON text in UTF-8. It is not validated yet.
    #[must_use]
    pub fn from_text(text: impl Into<Vec<u8>>) -> Self {
        Self::of(text.into().into())
    }

    fn of(text: Bytes) -> Self {
        Self(Repr::Text { text, value: OnceLock::new() })
    }

    /// The JSON as a [`Value`]: an integer of more than 64 bits becomes a float. Invalid JSON is
    /// null.
    #[must_use]
    pub fn value(&self) -> &Value {
        match &self.0 {
            Repr::Text { text, value } => value.get_or_init(|| {
                let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
                serde_json::from_slice(text).unwrap_or_default()
            }),
            Repr::Value(value) => value,
        }
    }

    /// Decodes it as a type, without loss of digits.
    ///
    /// # Errors
    ///
    /// `InvalidJson` with the path of the value that does not decode.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let text = self.text();
        serde_json::from_slice(&text).map_err(|error| {
            let (path, message) = super::describe::<T>(&text, &error);
            Error::new("read", ErrorKind::InvalidJson { path, message })
        })
    }

    /// The text, if it is valid and within the limits.
    pub(crate) fn checked(
        &self,
        limits: Limits,
        operation: &'static str,
    ) -> Result<Cow<'_, str>, Error> {
        match &self.0 {
            Repr::Text { text, .. } => match checked(text, limits) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(kind) => Err(Error::new(operation, kind)),
            },
            Repr::Value(value) => {
                let mut text = Vec::with_capacity(256);
                write_json(&mut text, value, limits, operation)?;
                // What serialises text writes text.
                Ok(Cow::Owned(String::from_utf8(text).unwrap_or_default()))
            }
        }
    }

    fn text(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Repr::Text { text, .. } => Cow::Borrowed(text),
            Repr::Value(value) => Cow::Owned(value.to_string().into_bytes()),
        }
    }
}

impl<V: Into<Value>> From<V> for Json {
    fn from(value: V) -> Self {
        Self(Repr::Value(value.into()))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A member or an element, null if there is none; see [`Value`].
impl<I: serde_json::value::Index> Index<I> for Json {
    type Output = Value;

    fn index(&self, index: I) -> &Value {
        &self.value()[index]
    }
}

/// As [`Json::value`] compares.
impl<V: ?Sized> PartialEq<V> for Json
where
    Value: PartialEq<V>,
{
    fn eq(&self, other: &V) -> bool {
        *self.value() == *other
    }
}

/// Equal if they are the same JSON, with numbers compared as they are written.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.text(), other.text());
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        a == b || super::tree::same(text(&a), text(&b))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Text { text, .. } => {
                let raw: &RawValue = serde_json::from_slice(text).map_err(S::Error::custom)?;
                raw.serialize(serializer)
            }
            Repr::Value(value) => value.serialize(serializer),
        }
    }
}

/// Reads any value as text. Works only with a deserializer of JSON text.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::from_text(String::from(Box::<str>::from(raw))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_stays_as_it_is_and_can_be_looked_into() {
        let text = r#"{"wei":100000000000000000012,"f":1.50,"list":[1,null]}"#;
        let json = Json::from_text(text);
        assert_eq!(json.to_string(), text);
        assert_eq!(serde_json::to_string(&(1, &json)).unwrap(), format!("[1,{text}]"));
        assert_eq!((&json["list"], &json["none"]), (&json!([1, null]), &Value::Null));
        let (_, read): (u8, Json) = serde_json::from_str(&format!("[1, {text}]")).unwrap();
        assert_eq!((read.to_string(), &read), (text.to_owned(), &json));
        #[derive(Deserialize)]
        struct Wallet {
            wei: u128,
        }
        assert_eq!(json.read::<Wallet>().unwrap().wei, 100_000_000_000_000_000_012);
        let error = json.read::<std::collections::BTreeMap<String, f64>>().unwrap_err();
        assert!(error.to_string().contains("fit at `list`: expected f64"), "{error}");
    }

    #[test]
    fn values_compare_by_their_meaning() {
        let json = Json::from_text(r#"{"b":1, "a":"x"}"#);
        assert_eq!(json, json!({"a": "x", "b": 1}));
        assert_eq!(json, Json::from(json!({"a": "x", "b": 1})));
        assert_ne!(
            Json::from_text("100000000000000000012"),
            Json::from_text("100000000000000000013")
        );
        assert!(Json::from_text("4") == 4 && Json::from_text("\"x\"") == *"x");
    }
}
