// `ttl_on_update` is `reset` or `keep`.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "a", object_type = state, ttl_on_update = keeep)]
struct Slip {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "b", object_type = state, ttl_on_update = "keep")]
struct Quoted {}

fn main() {}
