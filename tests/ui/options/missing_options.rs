// Four options are required; all that are missing are named in one message, at the attribute.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(app = "textsplitter", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection]
struct Bare {}

fn main() {}
