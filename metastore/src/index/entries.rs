//! The entries of one document in the indexes of its collection.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::value::{encode, list};
use crate::error::{Error, ErrorKind};
use crate::key::{Id, Segment};
use crate::schema::{CollectionSchema, FieldSchema, IndexKind};
use crate::time::Timestamp;

/// The most elements of a list in an index. Each is an entry, and all are written in one step.
const MAX_ELEMENTS: usize = 1_000;

/// What stands in the indexes for one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entries {
    created: Timestamp,
    /// Which index, and the value there.
    values: BTreeSet<(String, Vec<u8>)>,
}

impl Entries {
    /// Reads the indexed fields from a document's JSON.
    pub(crate) fn of(
        schema: &CollectionSchema,
        json: &[u8],
        created: Timestamp,
        owner: Option<&Id>,
        operation: &'static str,
    ) -> Result<Self, Error> {
        let mut values = BTreeSet::new();
        if let Some(owner) = owner {
            let owner = Value::from(owner.as_str());
            // Text always has a place in an order.
            let value = encode(&owner, IndexKind::Equality).unwrap_or_default();
            values.insert((Segment::Owner.to_string(), value));
        }
        let mut fields: Vec<Indexed<'_>> = indexed(schema).collect();
        if !fields.is_empty() {
            let mut reader = serde_json::Deserializer::from_slice(json);
            let read = Pick(&mut fields).deserialize(&mut reader);
            let unreadable = |error: serde_json::Error| ErrorKind::Encode(error.to_string());
            read.map_err(|error| Error::new(operation, unreadable(error)))?;
        }
        for field in fields {
            field.add_to(&mut values).map_err(|reason| {
                let field = field.name.to_owned();
                Error::new(operation, ErrorKind::Unindexable { field, reason })
            })?;
        }
        Ok(Self { created, values })
    }

    /// Whether there are none, so that nothing is kept for the item.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The entries as scripts read them: the time of creation in 12 hexadecimal digits, then for each
    /// entry the length of the index' name, `:`, the name, the length of the value, `:`, the value.
    pub(crate) fn to_bytes(&self) -> Bytes {
        if self.is_empty() {
            return Bytes::new();
        }
        let mut bytes = self.created_digits().into_bytes();
        for (segment, value) in &self.values {
            for part in [segment.as_bytes(), value] {
                bytes.extend(part.len().to_string().into_bytes());
                bytes.push(b':');
                bytes.extend(part);
            }
        }
        bytes.into()
    }

    /// Index and member for each entry, as they stand in Redis: the value, a zero byte, the time of
    /// creation and the id, so that equal values stand in order of creation.
    pub(crate) fn members<'a>(&'a self, id: &'a Id) -> impl Iterator<Item = (&'a str, Bytes)> {
        let created = self.created_digits();
        self.values.iter().map(move |(segment, value)| {
            let member = [value, &b"\0"[..], created.as_bytes(), id.as_str().as_bytes()].concat();
            (segment.as_str(), member.into())
        })
    }

    fn created_digits(&self) -> String {
        format!("{:012x}", self.created.as_millis())
    }
}

/// The indexed fields of a collection, each with nothing in it yet.
fn indexed(schema: &CollectionSchema) -> impl Iterator<Item = Indexed<'static>> {
    schema.fields.iter().filter_map(|field| match field {
        FieldSchema { json_name: Some(name), index: Some(kind), .. } => {
            Some(Indexed { name, kind: *kind, value: Value::Null })
        }
        _ => None,
    })
}

struct Indexed<'a> {
    name: &'a str,
    kind: IndexKind,
    value: Value,
}

impl Indexed<'_> {
    fn add_to(&self, values: &mut BTreeSet<(String, Vec<u8>)>) -> Result<(), String> {
        let object = || "an object has no order".to_owned();
        let field = || self.name.to_owned();
        let segment = match self.kind {
            IndexKind::Equality | IndexKind::Range => Segment::By(field()),
            IndexKind::Unique => Segment::Unique(field()),
        };
        let Value::Array(elements) = &self.value else {
            let value = encode(&self.value, self.kind).ok_or_else(object)?;
            values.insert((segment.to_string(), value));
            return Ok(());
        };
        if self.kind == IndexKind::Unique {
            return Err("a list cannot be unique".to_owned());
        }
        if elements.len() > MAX_ELEMENTS {
            let found = elements.len();
            return Err(format!("a list of {found} elements is over the limit of {MAX_ELEMENTS}"));
        }
        values.insert((segment.to_string(), list()));
        let segment = Segment::Each(field()).to_string();
        for element in elements {
            let value = encode(element, self.kind)
                .ok_or_else(|| "the elements of a list must be plain values".to_owned())?;
            values.insert((segment.clone(), value));
        }
        Ok(())
    }
}

/// Reads the indexed fields of an object and passes over the others.
struct Pick<'f, 'a>(&'f mut [Indexed<'a>]);

impl<'de> DeserializeSeed<'de> for Pick<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(position) = map.next_key_seed(Which(self.0))? {
            match position {
                Some(position) => self.0[position].value = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Which of the fields a name is, without copying the name.
struct Which<'f, 'a>(&'f [Indexed<'a>]);

impl<'de> DeserializeSeed<'de> for Which<'_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Which<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|field| field.name == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ObjectType, field};

    static SCHEMA: CollectionSchema = CollectionSchema::new("d", "a", "c", ObjectType::Texts)
        .fields(&[
            field("lang", "lang").indexed(IndexKind::Equality),
            field("tags", "tags").indexed(IndexKind::Equality),
            field("size", "Größe").indexed(IndexKind::Range),
            field("mail", "mail").indexed(IndexKind::Unique),
            field("other", "other"),
        ]);

    fn entries(json: &str) -> Result<Vec<String>, Error> {
        let owner = Id::new("u1").unwrap();
        let created = Timestamp::from_millis(0x193_a1b2_c3d4);
        let entries = Entries::of(&SCHEMA, json.as_bytes(), created, Some(&owner), "test")?;
        let shown = |(segment, value): &(String, Vec<u8>)| {
            format!("{segment} {}", String::from_utf8_lossy(value))
        };
        Ok(entries.values.iter().map(shown).collect())
    }

    #[test]
    fn each_field_has_its_entries_and_a_missing_one_is_null() {
        let json = r#"{"other":{"lang":"no"},"tags":["a","b","a"],"l\u0061ng":"en","mail":null}"#;
        let expected = [
            "by:Gr~c3~b6~c3~9fe 0",
            "by:lang xen",
            "by:tags l",
            "each:tags xa",
            "each:tags xb",
            "owner xu1",
            "unique:mail 0",
        ];
        assert_eq!(entries(json).unwrap(), expected);
    }

    #[test]
    fn what_has_no_order_is_refused_with_the_field() {
        for (json, reason) in [
            (r#"{"lang":{}}"#, "`lang` is indexed, but an object has no order"),
            (r#"{"tags":[[1]]}"#, "`tags` is indexed, but the elements of a list must be"),
            (r#"{"mail":["a"]}"#, "`mail` is indexed, but a list cannot be unique"),
        ] {
            let error = entries(json).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(error.is_invalid_document());
        }
        let many = format!(r#"{{"tags":{:?}}}"#, vec![0; 1001]);
        assert!(entries(&many).unwrap_err().to_string().contains("limit of 1000"));
    }

    #[test]
    fn scripts_get_lengths_before_everything() {
        let created = Timestamp::from_millis(1);
        let json = br#"{"lang":"a:b"}"#;
        let entries = Entries::of(&SCHEMA, json, created, None, "test").unwrap();
        let bytes = entries.to_bytes();
        assert!(bytes.starts_with(b"000000000001"));
        assert!(bytes.windows(15).any(|part| part == b"7:by:lang4:xa:b"), "{bytes:?}");
    }
}
