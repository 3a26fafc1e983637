// A document is a JSON object with named fields, so it is no enum.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
enum Text {
    Short(String),
}

fn main() {}
