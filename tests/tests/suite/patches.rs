//! Patches from any kind of text and JSON, and collections that would share keys.

use std::borrow::Cow;

use metastore::{Collection, ErrorKind, Patch, Repo, Repository, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// The serde format of dates in the document.
mod halved {
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(value / 2)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<u32, D::Error> {
        Ok(u32::deserialize(reader)? * 2)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    city: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "patches", name = "notes", object_type = texts, patch = NoteChanges)]
#[serde(rename_all = "camelCase")]
struct Note {
    first_name: String,
    language: Option<String>,
    #[serde(alias = "labels")]
    tags: Vec<String>,
    #[serde(with = "halved")]
    size: u32,
    shared: Option<Box<str>>,
    fixed: Cow<'static, str>,
    #[serde(flatten)]
    place: Place,
    #[serde(skip)]
    cached: Option<u8>,
}

/// A type of the user's own with the name that a patch usually has.
#[allow(dead_code)]
struct NotePatch;

fn note() -> Note {
    Note {
        first_name: "Ada".to_owned(),
        language: Some("en".to_owned()),
        place: Place { city: "Rome".to_owned() },
        ..Note::default()
    }
}

fn patched(json: &str) -> Result<Note, String> {
    let patch: NoteChanges = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut note = note();
    patch.apply(&mut note);
    Ok(note)
}

#[test]
fn a_patch_from_json_distinguishes_absent_null_and_set() {
    assert_eq!(patched("{}").unwrap(), note());
    assert_eq!(patched(r#"{"language": null}"#).unwrap(), Note { language: None, ..note() });
    let set =
        patched(r#"{"language": "fr", "firstName": "Bo", "labels": ["a"], "size": 4}"#).unwrap();
    let expected = Note {
        first_name: "Bo".to_owned(),
        language: Some("fr".to_owned()),
        tags: vec!["a".to_owned()],
        size: 8,
        ..note()
    };
    assert_eq!(set, expected);
    let value = serde_json::json!({"size": 3, "language": null});
    let patch: NoteChanges = serde_json::from_value(value).unwrap();
    let mut changed = note();
    patch.apply(&mut changed);
    assert_eq!(changed, Note { language: None, size: 6, ..note() });
}

#[test]
fn a_patch_from_json_refuses_what_it_cannot_set() {
    for (json, reason) in [
        (
            r#"{"first_name": "Bo"}"#,
            "unknown field `first_name`; a patch can set `firstName`, `language`",
        ),
        (r#"{"cached": 1}"#, "unknown field `cached`"),
        (r#"{"city": "Paris"}"#, "unknown field `city`"),
        (r#"{"language": "a", "language": "b"}"#, "duplicate field `language`"),
        (r#"{"tags": ["a"], "labels": ["b"]}"#, "duplicate field `tags`"),
        (r#"{"firstName": null}"#, "expected a string"),
        (r#"{"size": "x"}"#, "expected u32"),
        (r#"["Bo"]"#, "expected an object with the fields to change"),
        ("null", "expected an object with the fields to change"),
    ] {
        let error = patched(json).unwrap_err();
        assert!(error.contains(reason), "{json}: {error}");
    }
}

#[test]
fn text_of_every_kind_is_set_from_every_other() {
    let (owned, parsed) = ("b".to_owned(), "7");
    let patch = Note::patch()
        .first_name(&owned)
        .language(&owned)
        .shared("c")
        .fixed(owned.as_str())
        .tags(["a", "b"])
        .size(parsed.parse().unwrap());
    let mut changed = note();
    patch.apply(&mut changed);
    assert_eq!((&*changed.first_name, changed.language.as_deref()), ("b", Some("b")));
    assert_eq!((changed.shared.as_deref(), &*changed.fixed), (Some("c"), "b"));
    assert_eq!((changed.tags, changed.size), (vec!["a".to_owned(), "b".to_owned()], 7));
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "other", app = "patches", name = "notes", object_type = texts)]
struct Other {
    name: String,
}

#[derive(Repository)]
struct Both {
    #[allow(dead_code)]
    notes: Repo<Note>,
    #[allow(dead_code)]
    others: Repo<Other>,
}

#[tokio::test]
async fn collections_that_would_share_keys_are_refused_on_connecting() {
    let server = Server::start().await;
    assert!(Both::connect(server.url()).await.is_ok());
    let store = Store::options().domain("tenant").connect(server.url()).await.unwrap();
    let error = Both::with_store(&store).register().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    assert!(error.to_string().contains("the address `tenant:patches:notes`"), "{error}");
}
