// A field cannot be unique until that is enforced.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "users", object_type = settings)]
struct User {
    #[unique]
    email: String,
}

fn main() {}
