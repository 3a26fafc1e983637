// A mutation and a constant of the user's own cannot share a name, and both places are shown.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
struct Text {
    content: String,
}

impl Text {
    const WORDCOUNT: usize = 3;

    fn wordcount(&self) -> usize {
        Self::WORDCOUNT
    }
}

fn main() {}
