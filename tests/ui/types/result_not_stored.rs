// The result of a mutation can be stored, so it must be serializable.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(words -> Words)]
struct Text {
    content: String,
}

struct Words(usize);

impl Text {
    fn words(&self) -> Words {
        Words(self.content.len())
    }
}

fn main() {}
