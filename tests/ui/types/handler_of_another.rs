// A worker handles the transformations of its own collection.

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

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "notes", object_type = texts)]
struct Note {
    content: String,
}

async fn summarize(_: Item<Text>, _: JobContext) -> metastore::Result<Summary> {
    Ok(Summary { text: String::new() })
}

fn uses(notes: &Repo<Note>) {
    let _ = Worker::builder(notes).handle(Text::SUMMARIZE, summarize);
}

fn main() {}
