// Upgrades are in the order of their numbers.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 3)]
#[upgrade(2 -> 3, with = up)]
#[upgrade(1 -> 2, with = up)]
struct Text {
    content: String,
}

fn up(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

fn main() {}
