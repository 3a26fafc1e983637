// A repository holds at least one collection.

use metastore::Repository;

#[derive(Repository)]
struct MyRepo {}

fn main() {}
