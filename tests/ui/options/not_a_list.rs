// The options of `#[collection]` are in parentheses.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection = "texts"]
struct Text {
    content: String,
}

fn main() {}
