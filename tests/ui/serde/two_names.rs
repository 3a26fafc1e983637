// A field is read by the name under which it is stored, or by an alias that is this name.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[serde(rename(serialize = "text", deserialize = "content"))]
    content: String,
    #[serde(rename(serialize = "lang"))]
    language: String,
    #[serde(rename(serialize = "n"), alias = "n")]
    name: String,
}

fn main() {}
