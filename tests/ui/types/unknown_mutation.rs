// An item has the mutations of its collection.

use metastore::{Collection, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
struct Text {
    content: String,
    language: Option<String>,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }
}

#[derive(Serialize, Deserialize)]
struct Summary {
    text: String,
}

async fn uses(texts: &Repo<Text>) {
    let _ = texts.item("id").wordcuont().run().await;
}

fn main() {}
