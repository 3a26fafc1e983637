// A mutation is no async function.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[mutation(length -> usize)]
struct Text {
    title: String,
}

impl Text {
    async fn length(&self) -> usize {
        self.title.len()
    }
}

fn main() {}
