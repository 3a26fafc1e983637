// A raw identifier is itself in Rust and has no `r#` in keys, in JSON or in the schema.

use metastore::{Collection, Patch};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(r#match -> bool)]
#[transformation(r#loop -> u8)]
struct r#Text {
    #[index]
    r#type: String,
}

impl Text {
    fn r#match(&self) -> bool {
        self.r#type == "novel"
    }
}

fn main() {
    let field = &Text::SCHEMA.fields[0];
    assert_eq!((field.rust_name, field.json_name), ("type", Some("type")));
    assert_eq!(Text::SCHEMA.mutations, ["match"]);
    assert_eq!(Text::SCHEMA.transformations[0].name, "loop");
    assert_eq!(Text::LOOP.schema().name, "loop");

    let mut text = Text {
        r#type: "essay".to_owned(),
    };
    Text::patch().r#type("novel").apply(&mut text);
    assert!(Text::MATCH.apply(&text));
    let _ = |repo: metastore::Repo<Text>| {
        let _ = repo.item("id").r#match();
        let _ = repo.item("id").r#loop();
    };
}
