// Two collections would write the same keys.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[transformation(summarize -> String)]
struct Text {
    title: String,
    #[index]
    language: Option<String>,
    #[index]
    tags: Vec<String>,
    #[index(range)]
    stars: u8,
    #[index(range)]
    words: u64,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Note {
    #[index]
    title: String,
}

#[derive(Repository)]
struct Both {
    texts: Repo<Text>,
    notes: Repo<Note>,
}

fn main() {}
