//! The entries of one document in the indexes of its collection.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::dynamic_field::DynamicField;
use super::field_value::FieldValue;
use super::segment::segment;
use super::value::IndexValue;
use crate::error::{Error, ErrorKind};
use crate::key::{Actor, Id, Segment};
use crate::schema::IndexKind;
use crate::time::Timestamp;

/// The maximum number of elements of an indexed list. Each is an entry, and all are written in one
/// step.
const MAX_ELEMENTS: usize = 1_000;

/// The index entries of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entries {
    created: Timestamp,
    /// The name of the index, and the value.
    values: BTreeSet<(String, Vec<u8>)>,
}

impl Entries {
    /// The entries of a document: the values of its indexed fields, and its owner.
    pub(crate) fn of<T>(
        document: &T,
        fields: &[&dyn DynamicField<T>],
        created: Timestamp,
        owner: Option<&Actor>,
        operation: &'static str,
    ) -> Result<Self, Error> {
        let mut values = BTreeSet::new();
        if let Some(owner) = owner {
            // Text can always be indexed.
            let value = IndexValue::text(owner.as_str()).into_bytes().unwrap_or_default();
            values.insert((Segment::Owner.to_string(), value));
        }
        for field in fields {
            add(*field, document, &mut values).map_err(|reason| {
                let field = field.name().to_owned();
                Error::new(operation, ErrorKind::Unindexable { field, reason })
            })?;
        }
        Ok(Self { created, values })
    }

    /// Whether there are none, so that no record of them is stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of entries in each index.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (segment, _) in &self.values {
            *counts.entry(segment.clone()).or_default() += 1;
        }
        counts
    }

    /// The entries as scripts read them: the creation time in 12 hexadecimal digits, then for each
    /// entry the length of the index name, `:`, the name, the length of the value, `:`, the value.
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

    /// Index name and sorted set member of each entry: the value, a zero byte, the creation time
    /// and the id, so that equal values are in the order of creation.
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

fn add<T>(
    field: &dyn DynamicField<T>,
    document: &T,
    values: &mut BTreeSet<(String, Vec<u8>)>,
) -> Result<(), String> {
    let own = segment(field.name(), field.kind()).to_string();
    let elements = match field.of(document) {
        FieldValue::One(value) => {
            values.insert((own, value.into_bytes()?));
            return Ok(());
        }
        FieldValue::Each(elements) => elements,
    };
    if field.kind() == IndexKind::Unique {
        return Err("a list cannot be unique".to_owned());
    }
    if elements.len() > MAX_ELEMENTS {
        let found = elements.len();
        return Err(format!("a list of {found} elements is over the limit of {MAX_ELEMENTS}"));
    }
    values.insert((own, IndexValue::list().into_bytes()?));
    let segment = Segment::Each(field.name().to_owned()).to_string();
    for element in elements {
        values.insert((segment.clone(), element.into_bytes()?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::field::Field;

    #[derive(Default)]
    struct Document {
        lang: Option<String>,
        tags: Vec<String>,
        size: f64,
        mail: Option<String>,
    }

    const FIELDS: &[&dyn DynamicField<Document>] = &[
        &Field::equality("lang", |document: &Document| &document.lang),
        &Field::equality("tags", |document: &Document| &document.tags),
        &Field::range("Größe", |document: &Document| &document.size),
        &Field::unique("mail", |document: &Document| &document.mail),
    ];

    fn entries(document: &Document) -> Result<Vec<String>, Error> {
        let owner = Actor::new("u1").unwrap();
        let created = Timestamp::from_millis(0x193_a1b2_c3d4);
        let entries = Entries::of(document, FIELDS, created, Some(&owner), "test")?;
        let shown = |(segment, value): &(String, Vec<u8>)| {
            format!("{segment} {}", String::from_utf8_lossy(value))
        };
        Ok(entries.values.iter().map(shown).collect())
    }

    #[test]
    fn each_field_has_its_entries_and_nothing_is_null() {
        let tags = ["a", "b", "a"].map(String::from).to_vec();
        let document = Document { lang: Some("en".into()), tags, ..Document::default() };
        let expected = [
            "by:Gr~c3~b6~c3~9fe n80000000000000008000",
            "by:lang xen",
            "by:tags l",
            "each:tags xa",
            "each:tags xb",
            "owner xu1",
            "unique:mail 0",
        ];
        assert_eq!(entries(&document).unwrap(), expected);
    }

    #[test]
    fn what_has_no_place_is_refused_with_the_field() {
        let document = Document { size: f64::NAN, ..Document::default() };
        let error = entries(&document).unwrap_err();
        assert!(error.to_string().contains("`Größe` is indexed, but"), "{error}");
        assert!(error.is_invalid_document());
        let document = Document { tags: vec![String::new(); 1_001], ..Document::default() };
        assert!(entries(&document).unwrap_err().to_string().contains("limit of 1000"));
    }

    #[test]
    fn scripts_get_lengths_before_everything() {
        let created = Timestamp::from_millis(1);
        let document = Document { lang: Some("a:b".into()), ..Document::default() };
        let bytes = Entries::of(&document, FIELDS, created, None, "test").unwrap().to_bytes();
        assert!(bytes.starts_with(b"000000000001"));
        assert!(bytes.windows(15).any(|part| part == b"7:by:lang4:xa:b"), "{bytes:?}");
    }
}
