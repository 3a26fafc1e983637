//! A JSON Schema without the feature that writes it: the compiler says how to switch it on.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts, json_schema)]
struct Text {
    content: String,
}

fn main() {}
