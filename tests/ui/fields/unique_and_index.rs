// `#[unique]` already indexes a field.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[unique]
    #[index]
    name: String,
    #[index(range)]
    #[unique]
    position: u64,
}

fn main() {}
