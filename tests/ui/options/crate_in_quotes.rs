// `crate` is a path without quotes; the rest is expanded with the usual one.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(crate = "metastore")]
struct Text {
    content: String,
}

fn main() {}
