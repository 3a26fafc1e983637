// A list cannot be unique.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[unique]
    emails: Vec<String>,
}

fn main() {}
