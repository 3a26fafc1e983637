// A duration is an object in JSON.

use std::time::Duration;

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
struct Text {
    #[index(range)]
    length: Duration,
}

fn main() {}
