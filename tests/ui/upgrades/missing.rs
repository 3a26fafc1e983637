// Each step from 1 up to the schema has an upgrade.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 2)]
struct Without {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 3)]
#[upgrade(2 -> 3, with = up)]
struct First {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 4)]
#[upgrade(1 -> 2, with = up)]
#[upgrade(3 -> 4, with = up)]
struct Between {
    content: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 9)]
#[upgrade(1 -> 2, with = up)]
struct Many {
    content: String,
}

fn up(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

fn main() {}
