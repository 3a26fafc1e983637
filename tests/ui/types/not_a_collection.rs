// A `Repo` is of a collection.

use metastore::Repo;

struct Text {
    content: String,
}

async fn uses(texts: &Repo<Text>) {
    let _ = texts.get("id").await;
}

fn main() {}
