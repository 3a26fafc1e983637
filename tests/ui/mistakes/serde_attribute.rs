// An attribute of serde is spelt wrongly.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[serde(renam = "t")]
    title: String,
}

fn main() {}
