// Every field is a `Repo`, which the type checker says at the field's type.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
    name: String,
    all: Vec<Repo<Text>>,
}

fn main() {}
