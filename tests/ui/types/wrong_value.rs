// A field of a patch takes what the field takes.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
struct Text {
    content: String,
    language: Option<String>,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }
}

#[derive(Serialize, Deserialize)]
struct Summary {
    text: String,
}

fn uses() {
    let _ = Text::patch().content(3);
    let _ = Text::patch().content(None);
    let _ = Text::patch().language(Some(3));
}

fn main() {}
