// The method returns another type than the mutation declares.

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
    fn length(&self) -> u64 {
        self.title.len() as u64
    }
}

fn main() {}
