// `ttl` is a duration: a number and a unit, not zero and at most a hundred years.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "nounit", object_type = state, ttl = "600")]
struct NoUnit {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "unknownunit", object_type = state, ttl = "10min")]
struct UnknownUnit {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "nonumber", object_type = state, ttl = "soon")]
struct NoNumber {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "compound", object_type = state, ttl = "1h30m")]
struct Compound {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "zero", object_type = state, ttl = "0s")]
struct Zero {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "toolong", object_type = state, ttl = "40000d")]
struct TooLong {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "overflow", object_type = state, ttl = "99999999999999999999w")]
struct Overflow {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "integer", object_type = state, ttl = 600)]
struct Integer {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "a", name = "word", object_type = state, ttl = forever)]
struct Word {}

fn main() {}
