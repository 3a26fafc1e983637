// A repository names its collections, so it is not generic.

use metastore::Repository;

#[derive(Repository)]
struct MyRepo<'a, T> {
    texts: &'a T,
}

fn main() {}
