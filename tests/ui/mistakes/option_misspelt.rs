// An option is spelt wrongly.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domian = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    title: String,
}

fn main() {}
