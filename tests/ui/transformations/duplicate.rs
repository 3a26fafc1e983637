// A name is given to one transformation.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(summarize -> String)]
#[transformation(summarize -> usize)]
struct Text {
    content: String,
}

fn main() {}
