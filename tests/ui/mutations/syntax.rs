// A mutation is written `name -> Type`.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation]
#[mutation()]
#[mutation = "wordcount"]
#[mutation(wordcount)]
#[mutation(wordcount ->)]
#[mutation(wordcount: usize)]
#[mutation(3 -> usize)]
#[mutation(fn wordcount(&self) -> usize)]
#[mutation(wordcount -> usize usize)]
struct Text {
    content: String,
}

fn main() {}
