// A map has no place in an index.

use std::collections::HashMap;

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[index]
    counts: HashMap<String, u64>,
}

fn main() {}
