// `None` and `Some(None)` are the same in JSON.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[index]
    language: Option<Option<String>>,
}

fn main() {}
