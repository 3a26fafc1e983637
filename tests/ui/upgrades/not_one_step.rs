// An upgrade leads to the next number, from 1 on.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 3)]
#[upgrade(1 -> 3, with = up)]
#[upgrade(2 -> 1, with = up)]
#[upgrade(2 -> 2, with = up)]
#[upgrade(0 -> 1, with = up)]
#[upgrade(1.5 -> 2, with = up)]
#[upgrade(65536 -> 65537, with = up)]
struct Text {
    content: String,
}

fn up(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

fn main() {}
