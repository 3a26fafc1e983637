// `ttl_on_update` needs items that do not live for ever.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "a", object_type = texts, ttl_on_update = keep)]
struct ByType {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "b", object_type = state)]
#[collection(ttl = none, ttl_on_update = keep)]
struct ByOption {}

fn main() {}
