// A collection has one document type, so it has no type parameters; each is reported.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text<T, U: Clone = String> {
    content: T,
    more: U,
}

fn main() {}
