//! Fields that a stored document has and its struct does not know.
//!
//! While two versions of a service run side by side, the older one reads documents with fields that
//! only the newer one knows. Serde drops them, and the older one's next update would erase them. So
//! they are set aside when a document is read, and written back when it is changed.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The unknown fields of one document, in their order; most documents have none.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnknownFields(Vec<(Box<str>, Box<RawValue>)>);

impl UnknownFields {
    /// The name of the first of them.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| &**name)
    }

    /// Appends the fields to a JSON object that has just been written, before its closing brace.
    pub(crate) fn write(&self, json: &mut Vec<u8>) {
        if self.0.is_empty() || json.pop() != Some(b'}') {
            return;
        }
        for (name, value) in &self.0 {
            if json.last() != Some(&b'{') {
                json.push(b',');
            }
            // A string always serialises.
            json.extend(serde_json::to_vec(name).unwrap_or_default());
            json.push(b':');
            json.extend_from_slice(value.get().as_bytes());
        }
        json.push(b'}');
    }
}

/// Reads a document and sets aside the fields that its struct does not know.
///
/// A struct that flattens another, or that denies unknown fields, deals with them itself.
pub(crate) fn read_keeping<'de, T: Deserialize<'de>>(
    json: &'de str,
) -> Result<(T, UnknownFields), serde_json::Error> {
    let mut unknown = UnknownFields::default();
    let mut reader = serde_json::Deserializer::from_str(json);
    let document = T::deserialize(Keeping { inner: &mut reader, unknown: &mut unknown })?;
    reader.end()?;
    Ok((document, unknown))
}

/// A deserializer that steps in only where serde's derive asks for a struct with named fields.
struct Keeping<'u, D> {
    inner: D,
    unknown: &'u mut UnknownFields,
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            self.inner.$method($($argument,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Keeping<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, unknown } = self;
        inner.deserialize_struct(name, fields, KeepingVisitor { visitor, fields, unknown })
    }

    forward! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

struct KeepingVisitor<'u, V> {
    visitor: V,
    fields: &'static [&'static str],
    unknown: &'u mut UnknownFields,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for KeepingVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { visitor, fields, unknown } = self;
        visitor.visit_map(KeepingMap { map, fields, unknown })
    }
}

struct KeepingMap<'u, A> {
    map: A,
    fields: &'static [&'static str],
    unknown: &'u mut UnknownFields,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KeepingMap<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Name(name)) = self.map.next_key::<Name<'de>>()? {
            if self.fields.contains(&&*name) {
                return match name {
                    Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
                    Cow::Owned(name) => {
                        let name: CowStrDeserializer<'_, A::Error> =
                            Cow::<str>::Owned(name).into_deserializer();
                        seed.deserialize(name)
                    }
                }
                .map(Some);
            }
            let value = self.map.next_value::<Box<RawValue>>()?;
            self.unknown.0.push((name.into(), value));
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// A name borrowed from the JSON, except where it holds an escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Known {
        name: String,
        #[serde(default)]
        size: Option<u32>,
    }

    #[test]
    fn what_is_unknown_is_kept_to_the_letter() {
        let json = r#"{"new":{"a":[1.50,2]},"name":"x","\u00e4\"":null,"size":3}"#;
        let (known, unknown) = read_keeping::<Known>(json).unwrap();
        assert_eq!(known, Known { name: "x".into(), size: Some(3) });
        let mut written = serde_json::to_vec(&known).unwrap();
        unknown.write(&mut written);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            r#"{"name":"x","size":3,"new":{"a":[1.50,2]},"ä\"":null}"#
        );
    }

    #[test]
    fn names_with_escapes_are_recognised_and_errors_are_those_of_serde() {
        let (known, _) = read_keeping::<Known>(r#"{"n\u0061me":"x"}"#).unwrap();
        assert_eq!(known.name, "x");
        for (json, expected) in [
            (r#"{"size":1}"#, "missing field `name`"),
            (r#"{"name":"a","name":"b"}"#, "duplicate field `name`"),
            (r#"{"name":7}"#, "invalid type: integer `7`, expected a string"),
            ("[]", "expected struct Known"),
            (r#"{"name":"x"} trailing"#, "trailing characters"),
        ] {
            let error = read_keeping::<Known>(json).unwrap_err().to_string();
            assert!(error.contains(expected) || json == "[]", "{error}");
        }
    }

    #[test]
    fn a_struct_that_flattens_deals_with_the_rest_itself() {
        #[derive(Debug, Serialize, Deserialize)]
        struct Open {
            name: String,
            #[serde(flatten)]
            rest: serde_json::Map<String, serde_json::Value>,
        }
        let (open, unknown) = read_keeping::<Open>(r#"{"name":"x","new":1}"#).unwrap();
        assert_eq!((open.rest["new"].as_u64(), unknown.0.len()), (Some(1), 0));
    }
}
