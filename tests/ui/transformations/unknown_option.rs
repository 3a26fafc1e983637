// An unknown option is reported with a suggestion or with the known options.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(summarize -> String, timeuot = "30s", mode = worker)]
struct Text {
    content: String,
}

fn main() {}
