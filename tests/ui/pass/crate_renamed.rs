// `crate` says where the runtime is: under another name, behind a re-export, or in a function.

extern crate metastore as ms;

mod reexport {
    pub use ::metastore::*;
}

use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, ms::Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(crate = ms)]
#[mutation(wordcount -> usize)]
#[transformation(summarize -> String)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }
}

#[derive(Clone, Serialize, Deserialize, Validate, ms::Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "notes", object_type = texts)]
#[collection(crate = crate::reexport)]
struct Note {
    content: String,
}

#[derive(ms::Repository)]
#[repository(crate = ::metastore)]
struct MyRepo {
    texts: ms::Repo<Text>,
    notes: ms::Repo<Note>,
}

fn main() {
    let _ = |repo: MyRepo| (repo.texts, repo.notes);
    assert_eq!(Text::SCHEMA.name, "texts");
    assert_eq!(Note::SCHEMA.name, "notes");
}
