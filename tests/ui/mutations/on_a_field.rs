// `#[mutation]` and `#[collection]` belong on the struct.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[mutation(wordcount -> usize)]
    #[collection(name = "texts")]
    content: String,
}

fn main() {}
