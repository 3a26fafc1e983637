// A forgotten `Deserialize` is reported once, also if the collection is used.

use metastore::{Collection, Repo, Repository};
use serde::Serialize;
use validator::Validate;

#[derive(Clone, Serialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[mutation(length -> usize)]
#[transformation(summarize -> String)]
struct Text {
    #[index]
    title: String,
}

impl Text {
    fn length(&self) -> usize {
        self.title.len()
    }
}

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
}

async fn uses(repo: MyRepo) -> metastore::Result<usize> {
    repo.texts.update("id", Text::patch().title("new")).await?;
    repo.texts.item("id").summarize().enqueue().await?;
    repo.texts.item("id").length().run().await
}

fn main() {}
