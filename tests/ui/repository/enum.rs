// A repository is a struct.

use metastore::Repository;

#[derive(Repository)]
enum MyRepo {}

#[derive(Repository)]
union Other {
    texts: u8,
}

fn main() {}
