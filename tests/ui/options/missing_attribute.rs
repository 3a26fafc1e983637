// `#[collection]` is required.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
struct Text {
    content: String,
}

fn main() {}
