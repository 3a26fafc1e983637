// What is stored and read back is serializable: here only running it is possible.

use metastore::{Collection, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(words -> Words)]
struct Text {
    content: String,
}

struct Words(usize);

impl Text {
    fn words(&self) -> Words {
        Words(self.content.len())
    }
}

async fn uses(texts: &Repo<Text>) {
    let _ = texts.item("id").words().run().await;
    let _ = texts.item("id").words().materialize().await;
    let _ = texts.item("id").words().cached().await;
}

fn main() {}
