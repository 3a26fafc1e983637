// An attribute of serde is spelt wrongly.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[serde(rename_al = "camelCase")]
struct Text {
    title: String,
}

fn main() {}
