// A mutation is an ordinary function: what takes time is a transformation.

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
    async fn wordcount(&self) -> usize {
        self.content.len()
    }
}

fn main() {}
