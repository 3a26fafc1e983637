// A transformation comes after another one of the same collection, and no chain is circular.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(extract -> String)]
#[transformation(words -> u64, after = extrat)]
#[transformation(links -> u64, after = crawl)]
#[transformation(own -> u64, after = own)]
#[transformation(one -> u64, after = two)]
#[transformation(two -> u64, after = one)]
#[transformation(quoted -> u64, after = "extract")]
struct Text {
    content: String,
}

fn main() {}
