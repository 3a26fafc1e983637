// A repository opens its collections on one connection, and connecting can be spawned.

use metastore::{Collection, Repo, Repository, Store};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

#[derive(Clone, Repository)]
struct MyRepo {
    texts: Repo<Text>,
    r#type: Repo<Text>,
}

fn spawned<T>(_: impl Future<Output = metastore::Result<T>> + Send + 'static) {}

fn main() {
    let _ = |store: &Store| {
        let repo = MyRepo::with_store(store);
        (repo.texts, repo.r#type)
    };
    let _ = || {
        spawned(MyRepo::connect("redis://127.0.0.1:6379"));
        spawned(MyRepo::connect(String::from("redis://127.0.0.1:6379")));
    };
}
