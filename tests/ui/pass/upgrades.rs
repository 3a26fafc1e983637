// Upgrades are functions from anywhere, with any error that can be shown.

use metastore::{Collection, Document as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

mod old {
    use serde_json::{Map, Value};

    pub fn rename(text: &mut Map<String, Value>) -> Result<(), Box<dyn std::error::Error>> {
        let content = text.remove("text").ok_or("no text")?;
        text.insert("content".into(), content);
        Ok(())
    }
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[collection(schema = 4)]
#[upgrade(1 -> 2, with = old::rename)]
#[upgrade(2 -> 3, with = Self::trim)]
#[upgrade(3 -> 4, with = crate::nothing,)]
struct Text {
    content: String,
}

impl Text {
    fn trim(text: &mut Map<String, Value>) -> Result<(), String> {
        let content = text["content"].as_str().unwrap_or_default().trim().to_owned();
        text.insert("content".into(), content.into());
        Ok(())
    }
}

const fn nothing(_: &mut Map<String, Value>) -> Result<(), std::convert::Infallible> {
    Ok(())
}

fn main() {
    assert_eq!((Text::SCHEMA.version, Text::UPGRADES.len()), (4, 3));
    let mut text = Map::new();
    assert_eq!(Text::UPGRADES[0].upgrade(&mut text), Err("no text".to_owned()));
    text.insert("text".into(), " a ".into());
    for step in Text::UPGRADES {
        step.upgrade(&mut text).unwrap();
    }
    assert_eq!(text["content"], "a");
}
