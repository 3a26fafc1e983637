// A name that would break a key.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "my:app", app = "texts", name = "texts", object_type = texts)]
struct Text {
    title: String,
}

fn main() {}
