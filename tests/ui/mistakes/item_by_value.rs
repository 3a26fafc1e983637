// An item in hand is borrowed.

use metastore::{Collection, Item, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[transformation(summarize -> String)]
struct Text {
    title: String,
    #[index]
    language: Option<String>,
    #[index]
    tags: Vec<String>,
    #[index(range)]
    stars: u8,
    #[index(range)]
    words: u64,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "notes", object_type = texts)]
struct Note {
    #[index]
    title: String,
}

async fn example(texts: Repo<Text>, notes: Repo<Note>) -> metastore::Result<()> {
    let item: Item<Text> = texts.get("a").await?.expect("is there");
    texts.update(item, Text::patch().title("b")).await?;
    Ok(())
}

fn main() {}
