// An index is `#[index]` or `#[index(range)]`.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[index(rnage)]
    a: u64,
    #[index()]
    b: u64,
    #[index = "range"]
    c: u64,
    #[index(range = 3)]
    d: u64,
    #[index(range, unique)]
    e: u64,
}

fn main() {}
