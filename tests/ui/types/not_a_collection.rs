// A repository is of a collection.

use metastore::Repo;

struct Text {
    content: String,
}

fn uses(_: &Repo<Text>) {}

fn main() {}
