// A transformation is written `name -> Type`, then options.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation]
#[transformation(summarize)]
#[transformation(summarize, timeout = "30s")]
#[transformation("summarize" -> String)]
#[transformation(summarize -> String timeout = "30s")]
struct Text {
    content: String,
}

fn main() {}
