// The schema names fields as serde writes them.

use std::collections::BTreeMap;

use metastore::Collection;
use metastore::schema::IndexKind;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Default, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    #[index]
    first_line: String,
    #[serde(rename = "Language")]
    #[index(range)]
    language: Option<String>,
    #[serde(rename(serialize = "slug", deserialize = "slug"))]
    #[index]
    short_name: String,
    #[serde(rename(serialize = "old_name"), alias = "old_name")]
    new_name: String,
    #[serde(skip)]
    cached_length: usize,
    #[serde(skip_serializing, default)]
    secret_note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "labels")]
    tag_list: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "open", object_type = texts)]
#[serde(rename_all(
    serialize = "SCREAMING-KEBAB-CASE",
    deserialize = "SCREAMING-KEBAB-CASE"
))]
struct Open {
    very_tasty: u8,
    #[serde(flatten)]
    extra: BTreeMap<String, String>,
}

fn main() {
    let names: Vec<_> = Text::SCHEMA
        .fields
        .iter()
        .map(|field| field.json_name)
        .collect();
    let expected = [
        Some("firstLine"),
        Some("Language"),
        Some("slug"),
        Some("old_name"),
        None,
        None,
        Some("leftOut"),
        Some("tagList"),
    ];
    assert_eq!(names, expected);
    let indexes: Vec<_> = Text::SCHEMA
        .fields
        .iter()
        .filter_map(|field| field.index)
        .collect();
    assert_eq!(
        indexes,
        [IndexKind::Equality, IndexKind::Range, IndexKind::Equality]
    );
    let names: Vec<_> = Open::SCHEMA
        .fields
        .iter()
        .map(|field| field.json_name)
        .collect();
    assert_eq!(names, [Some("VERY-TASTY"), None]);

    // A field without a name of its own is set like any other.
    let _ = Text::patch().cached_length(3).secret_note("set");
    let _ = Open::patch().extra(BTreeMap::new());
}
