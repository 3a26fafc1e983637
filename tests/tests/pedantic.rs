//! Everything that the derives generate, in a crate that denies all lints of Clippy: `cargo clippy
//! --all-targets` is the test. A finding here would be a finding in every user's code.

#![deny(missing_docs, warnings, unsafe_code, clippy::pedantic, clippy::nursery)]

use std::collections::BTreeMap;

use metastore::{Collection, Patch, Repo, Repository, Store};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// A text.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(ttl = "30d", ttl_on_update = keep)]
#[serde(rename_all = "camelCase")]
#[mutation(wordcount -> usize)]
#[mutation(r#match -> Option<Self>)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
#[transformation(translate -> Vec<Self>)]
pub struct Text {
    /// What it is called.
    #[validate(length(min = 1))]
    #[index]
    pub short_name: String,
    /// What it says it in.
    #[index]
    pub language: Option<String>,
    /// How long it is.
    #[index(range)]
    pub(crate) length: u64,
    /// What it is made of.
    pub parts: Vec<Self>,
    r#type: u8,
    #[serde(flatten)]
    extra: BTreeMap<String, String>,
    #[serde(skip)]
    cached: Option<usize>,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.cached.unwrap_or(self.extra.len())
    }

    fn r#match(&self) -> Option<Self> {
        (self.r#type == 1).then(|| self.clone())
    }
}

/// What is left of a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The words.
    pub text: String,
}

/// A marker.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "markers", object_type = config)]
pub struct Marker {}

/// Everything.
#[derive(Clone, Debug, Repository)]
pub struct MyRepo {
    /// The texts.
    pub texts: Repo<Text>,
    /// The markers.
    pub markers: Repo<Marker>,
}

mod private {
    use serde_json::{Map, Value};

    use super::{Collection, Deserialize, Repo, Repository, Serialize, Validate};

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "notes", object_type = settings)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = Self::rename)]
    #[mutation(length -> usize)]
    #[transformation(shorten -> String)]
    struct Note {
        content: String,
    }

    impl Note {
        fn rename(note: &mut Map<String, Value>) -> Result<(), String> {
            let text = note.remove("text").ok_or("no text")?;
            note.insert("content".to_owned(), text);
            Ok(())
        }

        const fn length(&self) -> usize {
            self.content.len()
        }
    }

    #[derive(Repository)]
    struct Notes {
        notes: Repo<Note>,
    }

    #[test]
    fn a_private_collection_is_usable_within_its_module() {
        let _ = |repo: &Notes| drop(repo.notes.item("id").length());
        let note = Note { content: "four".to_owned() };
        assert_eq!(Note::LENGTH.apply(&note), 4);
    }
}

#[test]
fn a_patch_sets_what_it_names() {
    let mut text = Text::default();
    let patch = Text::patch().short_name("a").language("en").length(3).parts(Vec::new()).r#type(1);
    patch.extra(BTreeMap::new()).cached(2).apply(&mut text);
    assert_eq!((text.short_name.as_str(), text.language.as_deref()), ("a", Some("en")));
    assert_eq!(Text::WORDCOUNT.apply(&text), 2);
    assert!(Text::MATCH.apply(&text).is_some());
}

#[test]
fn the_handle_and_the_repository_have_their_methods() {
    let _ = |store: &Store| {
        let repo = MyRepo::with_store(store);
        let _ = repo.markers.item("id");
        let item = repo.texts.item("id");
        let _ = (item.wordcount(), item.r#match(), item.summarize(), item.translate());
    };
    let _ = || MyRepo::connect("redis://127.0.0.1:6379");
    assert_eq!(Text::SUMMARIZE.schema().name, "summarize");
    assert_eq!(Text::TRANSLATE.schema().name, "translate");
}
