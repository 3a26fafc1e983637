// Names are string literals.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = 3, app = textsplitter, name = concat!("te", "xts"), object_type = texts)]
struct Text {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain, app("textsplitter"), name = , object_type = texts)]
struct Note {}

fn main() {}
