// An object type that there is not.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = text)]
struct Text {
    title: String,
}

fn main() {}
