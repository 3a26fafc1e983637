// A duration in words.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = state, ttl = "10 minutes")]
struct Text {
    title: String,
}

fn main() {}
