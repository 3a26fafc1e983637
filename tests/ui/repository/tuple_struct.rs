// A repository names its collections.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Repository)]
struct MyRepo(Repo<Text>);

#[derive(Repository)]
struct Unit;

fn main() {}
