// The same for a rule over all fields, which is reported once.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[serde(rename_all(serialize = "camelCase"))]
struct Text {
    first_name: String,
    last_name: String,
}

fn main() {}
