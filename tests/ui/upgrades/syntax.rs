// An upgrade is written `1 -> 2, with = function`.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 2)]
#[upgrade]
#[upgrade()]
#[upgrade = "up"]
#[upgrade(1)]
#[upgrade(1 ->)]
#[upgrade(1, 2, with = up)]
#[upgrade(one -> two, with = up)]
#[upgrade(1 -> 2 with = up)]
#[upgrade(up)]
struct Text {
    content: String,
}

fn main() {}
