// An index is named by a constant, which must not be that of a mutation.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
#[mutation(total -> u64)]
struct Order {
    #[index(range)]
    total: u64,
}

impl Order {
    fn total(&self) -> u64 {
        self.total
    }
}

fn main() {}
