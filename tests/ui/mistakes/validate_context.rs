// Rules with an argument, which a write does not have.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

struct Limits;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "texts", name = "texts", object_type = texts)]
#[validate(context = Limits)]
struct Text {
    title: String,
}

fn main() {}
