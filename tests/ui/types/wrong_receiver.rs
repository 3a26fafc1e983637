// A mutation takes `&self` and nothing else.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(clear -> usize)]
#[mutation(longer_than -> bool)]
struct Text {
    content: String,
}

impl Text {
    fn clear(&mut self) -> usize {
        self.content.clear();
        0
    }

    fn longer_than(&self, length: usize) -> bool {
        self.content.len() > length
    }
}

fn main() {}
