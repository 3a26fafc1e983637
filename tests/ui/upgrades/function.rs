// An upgrade names its function by a path.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 9)]
#[upgrade(1 -> 2)]
#[upgrade(2 -> 3, with)]
#[upgrade(3 -> 4, with = "up")]
#[upgrade(4 -> 5, with = |text| Ok(()))]
#[upgrade(5 -> 6, wiht = up)]
#[upgrade(6 -> 7, with = up, by = up)]
#[upgrade(7 -> 8, with = up, with = up)]
#[upgrade(8 -> 9, with = up::<u8>)]
struct Text {
    content: String,
}

fn up(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

fn main() {}
