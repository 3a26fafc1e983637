//! The collections of a repository, which must not share their keys.

use std::collections::HashMap;

use crate::catalog::{Descriptor, Registration};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Address;
use crate::schema::CollectionSchema;

/// Refuses at compile time a collection that has the domain, app and name of one before it.
pub const fn distinct(schemas: &[&CollectionSchema], position: usize) {
    let schema = schemas[position];
    let mut before = 0;
    while before < position {
        let other = schemas[before];
        // A wrong definition has no names, and was reported.
        let same = !schema.name.is_empty()
            && equal(schema.domain, other.domain)
            && equal(schema.app, other.app)
            && equal(schema.name, other.name);
        assert!(
            !same,
            "another field of this repository has the same domain, app and name, so both would write the same \
             keys; give one another `name` in `#[collection(…)]`, or remove it"
        );
        before += 1;
    }
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut position = 0;
    while position < a.len() {
        if a[position] != b[position] {
            return false;
        }
        position += 1;
    }
    true
}

/// Refuses collections that share an address because domain or app were overridden.
pub(crate) fn distinct_addresses(collections: &[Registration]) -> Result<()> {
    let mut seen: HashMap<&Address, &Descriptor> = HashMap::new();
    let mut others = collections.iter().map(|found| &found.descriptor).filter(|found| {
        // The same collection twice is no mistake.
        seen.insert(&found.address, found).is_some_and(|other| other != *found)
    });
    let Some(Descriptor { address, .. }) = others.next() else { return Ok(()) };
    let message = format!(
        "two collections of the repository have the address `{address}`, so both would write the same keys; \
         give one another name, or do not override domain and app"
    );
    Err(Error::new("connect", ErrorKind::InvalidArgument(message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ObjectType;

    fn schema(domain: &'static str, app: &'static str, name: &'static str) -> CollectionSchema {
        CollectionSchema::new(domain, app, name, ObjectType::Texts)
    }

    #[test]
    fn collections_with_other_names_are_distinct() {
        let texts = schema("d", "a", "texts");
        for other in [("e", "a", "texts"), ("d", "b", "texts"), ("d", "a", "text")] {
            distinct(&[&texts, &schema(other.0, other.1, other.2)], 1);
        }
        distinct(&[&texts, &texts], 0);
    }

    #[test]
    #[should_panic(expected = "the same domain, app and name")]
    fn collections_with_the_same_names_are_refused() {
        let (texts, others) = (schema("d", "a", "texts"), schema("d", "a", "others"));
        distinct(&[&texts, &others, &texts], 2);
    }
}
