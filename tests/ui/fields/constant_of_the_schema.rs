// The constant of an index must not have the name of the collection's own.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
struct Order {
    #[index]
    schema: u64,
}

fn main() {}
