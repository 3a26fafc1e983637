// A field has one index.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[index]
    #[index]
    name: String,
    #[index]
    #[index(range)]
    position: u64,
    #[unique]
    #[unique]
    slug: String,
}

fn main() {}
