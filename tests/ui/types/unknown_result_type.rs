// A type that does not exist is reported where the attribute names it, and nowhere else.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(summarize -> Sumary)]
struct Text {
    content: String,
}

fn main() {}
