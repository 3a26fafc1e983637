// A document is a JSON object, and a transparent struct is whatever its field is.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[serde(transparent)]
struct Text {
    content: String,
}

fn main() {}
