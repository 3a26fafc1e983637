// An option is given once, also over several attributes.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", domain = "other", app = "textsplitter")]
#[collection(name = "texts", object_type = texts, app = "textsplitter")]
struct Text {
    content: String,
}

fn main() {}
