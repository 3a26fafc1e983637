// The rule holds for the domain and the app too.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "my:app", app = "", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

fn main() {}
