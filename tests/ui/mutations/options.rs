// A mutation runs within the call and has no options.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize, timeout = "30s", cached)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.len()
    }
}

fn main() {}
