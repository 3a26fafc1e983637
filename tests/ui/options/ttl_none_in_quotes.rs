// `none` is a word without quotes.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "n", object_type = state, ttl = "none")]
struct Text {
    content: String,
}

fn main() {}
