// The struct has the constant `SCHEMA`, so it cannot have another one.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(summarize -> String)]
struct Text {
    content: String,
}

impl Text {
    const SCHEMA: &str = "text";
}

fn main() {}
