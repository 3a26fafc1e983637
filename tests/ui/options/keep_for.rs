// `keep_for` is a duration, not zero and at most a hundred years.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "zero", object_type = texts, keep_for = "0d")]
struct Zero {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "integer", object_type = texts, keep_for = 90)]
struct Integer {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "nounit", object_type = texts, keep_for = "90")]
struct NoUnit {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "forever", object_type = texts, keep_for = none)]
struct Forever {}

// Each is reported separately.
#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "both", object_type = texts)]
#[collection(keep = 0, keep_for = "40000d")]
struct Both {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "slip", object_type = texts, keepfor = "90d")]
struct Slip {}

fn main() {}
