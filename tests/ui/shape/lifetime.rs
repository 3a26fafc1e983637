// A stored document owns its data, so it has no lifetimes.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text<'a> {
    content: &'a str,
}

fn main() {}
