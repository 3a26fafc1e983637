// A document is a JSON object, so a struct without fields still has braces.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text;

fn main() {}
