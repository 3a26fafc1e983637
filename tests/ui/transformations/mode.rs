// Who runs a transformation is a worker or its caller, and what its caller runs is
// requested by nothing else.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(extract -> String)]
#[transformation(one -> u64, mode = inlin)]
#[transformation(two -> u64, mode = inline, after = extract)]
#[transformation(three -> u64, mode = inline, on = create, update)]
#[transformation(four -> u64, retry_delay = "5")]
#[transformation(five -> u64, result_ttl = 7)]
struct Text {
    content: String,
}

fn main() {}
