// An option starts with its name; what follows something else is still read.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection("myapp", app = "textsplitter", name = "texts", object_type = txts)]
struct Text {
    content: String,
}

fn main() {}
