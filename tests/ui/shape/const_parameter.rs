// A collection has one document type, so it has no const parameters.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text<const N: usize> {
    content: [u8; N],
}

fn main() {}
