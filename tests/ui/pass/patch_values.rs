// A setter takes the field's type, the bare value of an optional field, and `&str` for text;
// what is not set stays.

use metastore::{Collection, Patch};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
    language: Option<String>,
    pages: Option<u32>,
    tags: Vec<String>,
    // These are also names in the expansion.
    document: u8,
    value: u8,
    apply: u8,
    default: u8,
    clone: u8,
}

fn main() {
    let before = Text {
        content: "old".to_owned(),
        language: Some("de".to_owned()),
        pages: Some(7),
        tags: vec!["a".to_owned()],
        document: 1,
        value: 2,
        apply: 3,
        default: 4,
        clone: 5,
    };
    let patched = |patch: TextPatch| {
        let mut text = before.clone();
        Patch::apply(patch, &mut text);
        text
    };

    assert_eq!(patched(Text::patch()), before);
    assert_eq!(patched(Text::patch().language(None)).language, None);
    assert_eq!(
        patched(Text::patch().language("en")).language.as_deref(),
        Some("en")
    );
    let text = String::from("fr");
    assert_eq!(
        patched(Text::patch().language(text)).language.as_deref(),
        Some("fr")
    );
    assert_eq!(
        patched(Text::patch().language(before.language.clone())),
        before
    );
    assert_eq!(patched(Text::patch().pages(8)).pages, Some(8));
    assert_eq!(
        patched(Text::patch().pages(Some(8)).pages(None)).pages,
        None
    );

    let all = Text::patch()
        .content("new")
        .tags(Vec::new())
        .document(10)
        .value(20)
        .apply(30)
        .default(40)
        .clone(50);
    let after = Text {
        content: "new".to_owned(),
        tags: Vec::new(),
        document: 10,
        value: 20,
        apply: 30,
        default: 40,
        clone: 50,
        ..before.clone()
    };
    assert_eq!(patched(all), after);
}
