// After a mistake, the code that uses the collection still compiles, so that no further errors
// hide it.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = txts)]
#[mutation(wordcount -> usize)]
#[transformation(summarize -> String)]
struct Text {
    content: String,
    language: Option<String>,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }
}

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
}

async fn uses(repo: MyRepo) -> metastore::Result<usize> {
    repo.texts.update("id", Text::patch().content("new").language(None)).await?;
    repo.texts.item("id").summarize().enqueue().await?;
    assert_eq!(Text::WORDCOUNT.name(), Text::SCHEMA.mutations[0]);
    repo.texts.item("id").wordcount().run().await
}

fn main() {}
