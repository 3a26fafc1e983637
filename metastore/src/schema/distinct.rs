//! The check at compile time that the collections of a repository do not share their keys.

use super::CollectionSchema;

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
