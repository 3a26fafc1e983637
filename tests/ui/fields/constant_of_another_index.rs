// Two indexes must not be named by one constant.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
struct Order {
    #[index]
    total: u64,
    #[index]
    #[allow(non_snake_case)]
    Total: u64,
}

fn main() {}
