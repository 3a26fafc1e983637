// An enum with fields is no single value.

use metastore::Indexable;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Indexable)]
enum State {
    New,
    Done { by: String },
}

fn main() {}
