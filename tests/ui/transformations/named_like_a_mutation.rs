// A mutation and a transformation do not share a name, in either order: both would be a method of
// the handle.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[transformation(wordcount -> usize)]
#[transformation(summarize -> usize)]
#[mutation(summarize -> usize)]
struct Text {
    content: String,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.len()
    }
}

fn main() {}
