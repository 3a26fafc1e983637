// A mutation returns the type it declares.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> String {
        self.content.clone()
    }
}

fn main() {}
