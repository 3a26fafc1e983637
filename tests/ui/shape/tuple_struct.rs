// A document is a JSON object, so its fields have names.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text(String);

fn main() {}
