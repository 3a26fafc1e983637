// The rule applies to mutations and transformations too, which must also be identifiers.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(_wordcount -> usize)]
#[mutation(wörter -> usize)]
#[transformation(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> usize)]
struct Text {
    content: String,
}

fn main() {}
