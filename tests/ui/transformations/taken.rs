// A transformation does not hide a method of the handle.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(evaluate_all -> usize)]
struct Text {
    content: String,
}

fn main() {}
