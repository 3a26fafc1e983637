// An option is given once.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(summarize -> String, retries = 1, retries = 2)]
struct Text {
    content: String,
}

fn main() {}
