// A flattened field has no name of its own in the document, so it has no index.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[serde(flatten)]
    #[index]
    extra: std::collections::BTreeMap<String, String>,
}

fn main() {}
