// A document is `Clone` and `Validate`, as it is `Serialize` and `Deserialize`.

use metastore::Collection;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

fn main() {}
