// A field that is not stored has no index.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[serde(skip)]
    #[index]
    a: u64,
    #[serde(skip_serializing, default)]
    #[unique]
    b: u64,
}

fn main() {}
