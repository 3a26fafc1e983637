// A transformation is requested `on = create`, `on = update`, or both.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(one -> u64, on = created)]
#[transformation(two -> u64, on = create, create)]
#[transformation(three -> u64, on)]
#[transformation(four -> u64, on = "create")]
#[transformation(five -> u64, create)]
struct Text {
    content: String,
}

fn main() {}
