// `keep` is a number of versions with the current one, so it is at least 1.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "zero", object_type = texts, keep = 0)]
struct Zero {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "negative", object_type = texts, keep = -1)]
struct Negative {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "quotes", object_type = texts, keep = "100")]
struct Quotes {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "duration", object_type = texts, keep = "90d")]
struct Duration {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "word", object_type = texts, keep = all)]
struct Word {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "toomany", object_type = texts, keep = 4_294_967_296)]
struct TooMany {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "nothing", object_type = texts, keep)]
struct Nothing {}

fn main() {}
