// An upgrade is a function of a JSON object.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 7)]
#[upgrade(1 -> 2, with = by_value)]
#[upgrade(2 -> 3, with = Self::without_result)]
#[upgrade(3 -> 4, with = result_not_shown)]
#[upgrade(4 -> 5, with = Text::of_a_text)]
#[upgrade(5 -> 6, with = NUMBER)]
#[upgrade(6 -> 7, with = nobody)]
struct Text {
    content: String,
}

impl Text {
    fn without_result(_: &mut Map<String, Value>) {}

    fn of_a_text(&mut self) -> Result<(), String> {
        Ok(())
    }
}

struct Silent;

const NUMBER: u8 = 1;

fn by_value(text: Map<String, Value>) -> Result<Map<String, Value>, String> {
    Ok(text)
}

fn result_not_shown(_: &mut Map<String, Value>) -> Result<(), Silent> {
    Err(Silent)
}

fn main() {}
