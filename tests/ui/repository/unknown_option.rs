// The one option is `crate`; after a mistake the functions are there all the same.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Repository)]
#[repository(crat = metastore, url = "redis://127.0.0.1")]
struct MyRepo {
    #[repository(name = "texts")]
    texts: Repo<Text>,
}

fn uses(store: &metastore::Store) -> Repo<Text> {
    MyRepo::with_store(store).texts
}

fn main() {}
