// A name has 1 to 64 ASCII letters, digits, `-` or `_` and starts with a letter or digit.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "", object_type = texts)]
struct Empty {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "te:xts", object_type = texts)]
struct Colon {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "{texts}", object_type = texts)]
struct Braces {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "my texts", object_type = texts)]
struct Space {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "-texts", object_type = texts)]
struct Dash {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "_texts", object_type = texts)]
struct Underscore {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "täxts", object_type = texts)]
struct Umlaut {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "texts\n", object_type = texts)]
struct LineBreak {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", object_type = texts)]
struct TooLong {}

fn main() {}
