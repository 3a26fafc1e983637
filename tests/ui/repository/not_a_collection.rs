// What a `Repo` holds is a collection.

use metastore::{Repo, Repository};

struct Text {}

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
}

fn main() {}
