// All mistakes of a struct are reported at once.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "idx", ap = "textsplitter", name = "te:xts", object_type = txts, ttl = "1")]
#[mutation(wordcount)]
#[mutation(id -> usize)]
#[transformation(summarize -> String, timeout = "0s", retries = many)]
struct Text {
    #[index(rnage)]
    content: String,
    #[serde(skip)]
    #[unique]
    cached: String,
}

fn main() {}
