// `retries` is a whole number from 0 to 1000.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(many -> String, retries = 1001)]
#[transformation(negative -> String, retries = -1)]
#[transformation(fraction -> String, retries = 1.5)]
#[transformation(text -> String, retries = "3")]
#[transformation(overflow -> String, retries = 99999999999)]
#[transformation(bare -> String, retries)]
struct Text {
    content: String,
}

fn main() {}
