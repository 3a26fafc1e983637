// One attribute defines one mutation.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize, textsplit -> Vec<String>)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.len()
    }
}

fn main() {}
