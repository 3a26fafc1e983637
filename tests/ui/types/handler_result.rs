// A handler returns the declared result of its transformation.

use metastore::{Collection, Item, Repo};
use metastore_worker::{JobContext, Worker};
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

async fn summarize(item: Item<Text>, _: JobContext) -> metastore::Result<String> {
    Ok(item.into_data().content)
}

fn uses(texts: &Repo<Text>) {
    let _ = Worker::builder(texts).handle(Text::SUMMARIZE, summarize);
}

fn main() {}
