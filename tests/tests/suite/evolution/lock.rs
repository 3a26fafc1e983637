//! The lock file with the shapes of documents.

use std::process::Command;

use metastore::schema::CollectionSchema;
use metastore_tests::collections::{Counter, Text};

/// Passes the path and the shape to the test below in a process of its own.
const FILE: &str = "METASTORE_TEST_LOCK";
const SHAPE: &str = "METASTORE_TEST_SHAPE";

/// A test as users write it; it does nothing unless the other one runs it.
#[test]
fn as_a_user_writes_it() {
    let Ok(file) = std::env::var(FILE) else { return };
    let mut changed: CollectionSchema = *Text::SCHEMA;
    match std::env::var(SHAPE).as_deref() {
        Ok("changed") => changed = changed.fingerprint(1),
        Ok("raised") => {
            changed = changed.fingerprint(1);
            changed.version = 2;
        }
        _ => {}
    }
    metastore::assert_schema_lock(file, &[&changed, Counter::SCHEMA]);
}

#[test]
fn a_test_fails_when_a_shape_changes_without_a_new_number_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metastore.lock");
    let run = |shape: &str, update: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "evolution::lock::as_a_user_writes_it"])
            .env(FILE, &file)
            .env(SHAPE, shape)
            .env("METASTORE_UPDATE_LOCK", update)
            .output()
            .unwrap();
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said += &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("running 1 test"), "{said}");
        (output.status.success(), said)
    };
    let (passed, said) = run("", "");
    assert!(!passed && said.contains("myapp:textsplitter:texts is not in the file yet"), "{said}");
    assert!(said.contains("METASTORE_UPDATE_LOCK=1"), "{said}");
    assert!(!file.exists(), "only an update writes the file");
    assert!(run("", "1").0);
    assert!(run("", "").0);

    let before = std::fs::read_to_string(&file).unwrap();
    let (passed, said) = run("changed", "");
    assert!(!passed && said.contains("has another shape, but still schema 1"), "{said}");
    assert!(said.contains("raise `schema` and add an `#[upgrade(…)]`"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    // A new number is recorded, or the next change at that number would go unnoticed.
    let (passed, said) = run("raised", "0");
    assert!(!passed && said.contains("the file knows it up to schema 1"), "{said}");
    assert!(run("raised", "1").0);
    assert!(run("raised", "").0);
    let (passed, said) = run("", "");
    assert!(!passed && said.contains("was at schema 2 already"), "{said}");

    std::fs::write(&file, "<<<<<<< HEAD\n").unwrap();
    for update in ["", "1"] {
        let (passed, said) = run("", update);
        assert!(!passed && said.contains("line 1 is not"), "{said}");
    }
}

#[test]
fn the_fingerprint_of_a_document_is_the_same_everywhere() {
    // Computed once and hard-coded: a different number would be a changed shape in every project.
    assert_eq!(Text::SCHEMA.fingerprint.to_string(), "5eafbb72bc4310b4");
}
