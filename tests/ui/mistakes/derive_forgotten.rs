// `Validate` is not derived.

use metastore::Collection;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    title: String,
}

fn main() {}
