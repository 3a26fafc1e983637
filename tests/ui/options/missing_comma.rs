// Options are separated by commas; what follows a forgotten one is still read.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp" app = "textsplitter", name = "texts", object_type = txts)]
struct Text {
    content: String,
}

fn main() {}
