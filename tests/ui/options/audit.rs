// `audit` is `on` or `off`.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "a", object_type = texts, audit = yes)]
struct Word {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "b", object_type = texts, audit = "on")]
struct Quoted {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "c", object_type = texts, audit = true)]
struct Literal {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "d", object_type = texts, audit)]
struct Bare {}

fn main() {}
