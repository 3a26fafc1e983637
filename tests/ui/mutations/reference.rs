// A result is stored, so it is owned.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(first -> &str)]
#[mutation(second -> &'static str)]
struct Text {
    content: String,
}

fn main() {}
