// An unknown option is reported at its key, with a suggestion or with all known
// options.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domian = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(shards = 4)]
struct Note {}

fn main() {}
