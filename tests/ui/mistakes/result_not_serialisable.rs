// The result of a transformation is stored.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

struct Summary {
    text: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[transformation(summarize -> Summary)]
struct Text {
    title: String,
}

fn main() {}
