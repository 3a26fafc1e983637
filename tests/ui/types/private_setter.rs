// A setter is as visible as its field.

use metastore::Collection;

mod texts {
    use metastore::Collection;
    use serde::{Deserialize, Serialize};
    use validator::Validate;

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    pub struct Text {
        pub content: String,
        secret: String,
    }
}

fn uses() {
    let _ = texts::Text::patch().content("new").secret("known");
}

fn main() {}
