// `timeout` is a duration of at most 24 hours.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(zero -> String, timeout = "0s")]
#[transformation(no_unit -> String, timeout = "30")]
#[transformation(too_long -> String, timeout = "25h")]
#[transformation(integer -> String, timeout = 30)]
#[transformation(word -> String, timeout = none)]
struct Text {
    content: String,
}

fn main() {}
