//! A lock file of the shapes of documents: a test fails when one changes without a new schema
//! number.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::schema::CollectionSchema;

/// The environment variable that allows writing the file.
const UPDATE: &str = "METASTORE_UPDATE_LOCK";

/// Fails a test when the shape of a document has changed without a new schema number.
///
/// `path` is a file to be committed, usually `metastore.lock`; a relative path is resolved from the
/// directory in which the test runs, which is the package's root under `cargo test`. It holds a
/// line for each schema number of each collection, with its
/// [fingerprint](crate::schema::Fingerprint). Entries of other collections are left unchanged.
///
/// With the environment variable `METASTORE_UPDATE_LOCK=1` the file is updated instead. Do that
/// after raising `schema` and adding an `#[upgrade(…)]`, or without a new number where old
/// documents still read and still mean the same: for example after adding a field with a default.
///
/// ```no_run
/// # use metastore::Collection;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
/// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
/// # struct Note { title: String }
/// #[test]
/// fn no_shape_changes_unnoticed() {
///     metastore::assert_schema_lock("metastore.lock", &[Note::SCHEMA]);
/// }
/// ```
///
/// # Panics
///
/// If a collection's shape differs from the file; the message says what to do. Also if the file
/// cannot be read or written.
#[track_caller]
pub fn assert_schema_lock(path: impl AsRef<Path>, schemas: &[&CollectionSchema]) {
    let path = path.as_ref();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{} cannot be read: {error}", path.display()),
    };
    let mut lock = match SchemaLock::parse(&text) {
        Ok(lock) => lock,
        Err(message) => panic!("{}: {message}", path.display()),
    };
    let differences = lock.differences(schemas);
    if differences.is_empty() {
        return;
    }
    if std::env::var_os(UPDATE).is_none_or(|value| value != "1") {
        panic!("{}", explain(path, &differences));
    }
    lock.update(schemas);
    if let Err(error) = std::fs::write(path, lock.to_string()) {
        panic!("{} cannot be written: {error}", path.display());
    }
}

fn explain(path: &Path, differences: &[String]) -> String {
    format!(
        "{} does not match the collections:\n  {}\n\
         If stored documents no longer read as the new shape, or would mean something else, raise \
         `schema` and add an `#[upgrade(…)]`.\nThen, or if they do read and mean the same (a new field \
         has a default, say), accept the new shape with {UPDATE}=1 and commit the file.",
        path.display(),
        differences.join("\n  "),
    )
}

/// What the file says: by collection the fingerprint of each schema number.
#[derive(Debug, PartialEq)]
struct SchemaLock(BTreeMap<String, BTreeMap<u32, String>>);

impl SchemaLock {
    fn parse(text: &str) -> Result<Self, String> {
        let mut lock = Self(BTreeMap::new());
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = line.split_whitespace().collect();
            let entry = match parts[..] {
                [name, number, fingerprint] => number.parse().ok().map(|n| (name, n, fingerprint)),
                _ => None,
            };
            let Some((name, number, fingerprint)) = entry else {
                let at = at + 1;
                return Err(format!(
                    "line {at} is not a collection, a schema number and a fingerprint; take the file \
                     from version control, or delete it and write it again with {UPDATE}=1"
                ));
            };
            lock.0.entry(name.to_owned()).or_default().insert(number, fingerprint.to_owned());
        }
        Ok(lock)
    }

    /// What of the schemas is not in the file as it is in the program.
    fn differences(&self, schemas: &[&CollectionSchema]) -> Vec<String> {
        schemas.iter().filter_map(|schema| self.difference(schema)).collect()
    }

    fn difference(&self, schema: &CollectionSchema) -> Option<String> {
        let (name, number) = (address(schema), schema.version);
        let known = self.0.get(&name);
        let Some((last, fingerprint)) = known.and_then(|numbers| numbers.last_key_value()) else {
            return Some(format!("{name} is not in the file yet"));
        };
        let now = schema.fingerprint.to_string();
        if number > *last {
            Some(format!("{name} has schema {number}, the file knows it up to schema {last}"))
        } else if number < *last {
            Some(format!("{name} has schema {number}, but was at schema {last} already"))
        } else if now != *fingerprint {
            Some(format!(
                "{name} has another shape, but still schema {number}: its fingerprint was \
                 {fingerprint} and is {now}"
            ))
        } else {
            None
        }
    }

    /// Replaces the lines of these schemas. Numbers above a schema's own are removed.
    fn update(&mut self, schemas: &[&CollectionSchema]) {
        for schema in schemas {
            let numbers = self.0.entry(address(schema)).or_default();
            numbers.retain(|number, _| *number < schema.version);
            numbers.insert(schema.version, schema.fingerprint.to_string());
        }
    }
}

impl fmt::Display for SchemaLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# The shapes of stored documents: collection, schema number, fingerprint.")?;
        writeln!(f, "# Written by the tests with {UPDATE}=1; commit it.")?;
        for (name, numbers) in &self.0 {
            for (number, fingerprint) in numbers {
                writeln!(f, "{name} {number} {fingerprint}")?;
            }
        }
        Ok(())
    }
}

fn address(schema: &CollectionSchema) -> String {
    format!("{}:{}:{}", schema.domain, schema.app, schema.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ObjectType;

    fn schema(name: &'static str, number: u32, hash: u64) -> CollectionSchema {
        let mut schema = CollectionSchema::new("d", "a", name, ObjectType::Texts).fingerprint(hash);
        schema.version = number;
        schema
    }

    #[test]
    fn a_changed_shape_needs_a_new_number_and_every_number_is_kept() {
        let mut lock = SchemaLock::parse("").unwrap();
        let first = schema("texts", 1, 0x1f);
        assert_eq!(lock.differences(&[&first]), ["d:a:texts is not in the file yet"]);
        lock.update(&[&first]);
        assert!(lock.differences(&[&first]).is_empty());

        let changed = schema("texts", 1, 0x2f);
        assert_eq!(
            lock.differences(&[&changed]),
            ["d:a:texts has another shape, but still schema 1: its fingerprint was \
              000000000000001f and is 000000000000002f"]
        );
        let raised = schema("texts", 2, 0x2f);
        assert!(lock.differences(&[&raised])[0].contains("up to schema 1"));
        lock.update(&[&raised]);
        assert!(lock.differences(&[&raised]).is_empty());
        assert!(lock.differences(&[&first])[0].contains("was at schema 2 already"));
        assert!(
            lock.to_string()
                .ends_with("d:a:texts 1 000000000000001f\nd:a:texts 2 000000000000002f\n")
        );
        lock.update(&[&first]);
        assert!(lock.to_string().ends_with("d:a:texts 1 000000000000001f\n"));
    }

    #[test]
    fn the_file_reads_back_and_other_collections_stay_in_it() {
        let mut lock = SchemaLock::parse("# a note\n\n  d:b:others 3 00ff\n").unwrap();
        lock.update(&[&schema("texts", 1, 1)]);
        assert_eq!(SchemaLock::parse(&lock.to_string()).unwrap(), lock);
        assert!(lock.to_string().contains("d:b:others 3 00ff\n"));
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_its_line() {
        for bad in ["<<<<<<< HEAD", "d:a:n one 00ff", "d:a:n 1", "d:a:n 1 00ff more"] {
            let message = SchemaLock::parse(&format!("# a note\n{bad}\n")).unwrap_err();
            assert!(message.starts_with("line 2 is not"), "{message}");
        }
    }
}
