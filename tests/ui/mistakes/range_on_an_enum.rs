// An enum has no order in an index.

use metastore::{Collection, Indexable};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Indexable)]
enum Level {
    Low,
    High,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[index(range)]
    level: Level,
}

fn main() {}
