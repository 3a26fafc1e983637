// `#[unique]` takes no options.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[unique(range)]
    a: u64,
    #[unique = true]
    b: u64,
}

fn main() {}
