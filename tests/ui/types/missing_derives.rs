// A document is `Clone`, `Serialize`, `Deserialize` and `Validate`.

use metastore::Collection;

#[derive(Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    content: String,
}

fn main() {}
