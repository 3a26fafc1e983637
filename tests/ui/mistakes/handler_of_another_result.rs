// A handler returns the declared result of the transformation.

use metastore::{Collection, Item, Repo};
use metastore_worker::{JobContext, Worker};
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

async fn summarize(text: Item<Text>, _: JobContext) -> metastore::Result<usize> {
    Ok(text.data.title.len())
}

async fn example(texts: Repo<Text>, notes: Repo<Note>) -> metastore::Result<()> {
    let _ = Worker::builder(&texts).handle(Text::SUMMARIZE, summarize);
    Ok(())
}

fn main() {}
