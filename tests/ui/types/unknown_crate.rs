// A path that leads nowhere is reported where the attribute names it, once.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(crate = metastor)]
struct Text {
    content: String,
}

fn main() {}
