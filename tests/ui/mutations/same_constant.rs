// Two names that differ only in case would be the same constant.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[mutation(wordCount -> usize)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.len()
    }
}

fn main() {}
