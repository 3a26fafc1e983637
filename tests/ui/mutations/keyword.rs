// A keyword needs `r#`, and four cannot be a name at all.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(match -> usize)]
#[mutation(self -> usize)]
struct Text {
    content: String,
}

fn main() {}
