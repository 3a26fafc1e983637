// A domain is not the first segment of another kind of key.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "idx", app = "a", name = "n", object_type = texts)]
struct Idx {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "stream", app = "a", name = "n", object_type = texts)]
struct Stream {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "queue", app = "a", name = "n", object_type = texts)]
struct Queue {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "unique", app = "a", name = "n", object_type = texts)]
struct Unique {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "catalog", app = "a", name = "n", object_type = texts)]
struct Catalog {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "lease", app = "a", name = "n", object_type = texts)]
struct Lease {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "lock", app = "a", name = "n", object_type = texts)]
struct Lock {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "metastore", app = "a", name = "n", object_type = texts)]
struct Metastore {}

fn main() {}
