// A document is a JSON object with named fields, so it is no union.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
union Text {
    short: u8,
}

fn main() {}
