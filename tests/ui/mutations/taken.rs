// A mutation does not hide a method of the handle or an item of the trait.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(id -> usize)]
#[mutation(evaluate_all -> usize)]
#[mutation(mutation -> usize)]
#[mutation(transformation -> usize)]
#[mutation(deref -> usize)]
#[mutation(schema -> usize)]
#[mutation(patch -> usize)]
struct Text {
    content: String,
}

fn main() {}
